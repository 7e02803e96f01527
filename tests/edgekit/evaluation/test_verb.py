"""``edgekit evaluate`` from the command line, in this process."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from edgekit.cli import main
from edgekit.evaluation.options import parts
from edgekit.screen import Screen
from edgekit.verbs import evaluate
from tests.edgekit.tiny_eeg import TINY

QUICK = ["--data", TINY, "--folds", "3", "--epochs", "3", "--qat-epochs", "1", "--jobs", "1"]


def test_a_whole_evaluation_and_its_continuation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "eegnet", *QUICK, "--seeds", "1", "--orders", "faithful,spatial-first", "--out", str(tmp_path)]
    assert main([*words, "--floor"]) == 0
    said = capsys.readouterr()
    assert "fold 2, seed 0: float" in said.err and "minus float, in pairs" in said.out
    assert "made up for a test" in said.out and "8 to 30 Hz" in said.out
    before = json.loads((tmp_path / "evaluation.json").read_text())
    assert before["methods"] == ["CSP + LDA", "float", "int8 faithful", "int8 spatial-first"]
    assert [len(before[name]) for name in ("runs", "groups", "subjects")] == [6, 3, 3]
    command = f"edgekit evaluate eegnet --data {TINY} --folds 3 --epochs 3 --qat-epochs 1"
    command += " --orders faithful,spatial-first --seeds 1 --floor"
    assert before["command"] == command and command in (tmp_path / "evaluation.md").read_text()

    assert main(words) == 2
    assert "--resume continues it" in capsys.readouterr().err
    words[words.index("--seeds") + 1] = "2"
    assert main([*words, "--floor", "--resume", "--json"]) == 0
    said = capsys.readouterr()
    after = json.loads(said.out)
    assert "9 of 9, 6 kept from before" in said.err and after == json.loads((tmp_path / "evaluation.json").read_text())
    assert [run for run in after["runs"] if run["seed"] in (None, 0)] == before["runs"]
    assert main([*words, "--force", "--epochs", "1"]) == 0
    assert "kept from before" not in capsys.readouterr().err


def test_the_floor_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "csp-lda", "--data", TINY, "--folds", "3", "--out", str(tmp_path), "--jobs", "1"]) == 0
    assert "fold 3" in capsys.readouterr().out
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert report["methods"] == ["CSP + LDA"] and report["study"] is None
    assert report["command"] == f"edgekit evaluate csp-lda --data {TINY} --folds 3"
    assert report["overall"]["CSP + LDA"]["mean"] > 0.9


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["eegnet", "--preset", "edge-m4g"], "unknown preset 'edge-m4g'"),
        (["eegnet", "--preset", "edge-m4f,edge-m7"], "edge-m4f and edge-m7: only one excerpt at a time"),
        (["eegnet", "--orders", "reverse"], "unknown order of eegnet 'reverse'"),
        (["ecg-tcn", "--orders", "spatial-first"], "unknown order of ecg-tcn 'spatial-first'"),
        (["eeg-tcnet", "--config", "S10"], "unknown configuration of eeg-tcnet 'S10'"),
        (["eegnet", "--data", "bci"], "unknown data set 'bci'"),
        (["ecg-tcn"], "its training and test part are fixed"),
        (["eegnet", "--data", TINY, "--folds", "9"], "9 folds of 3 subjects"),
        (["eegnet", "--data", TINY, "--subject", "4"], "it has no subject 4"),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "config", "expected"),
    [([], {}, "channel"), ([], {"standardize": False}, "none"), (["--standardize", "sample"], {}, "sample")],
)
def test_trials_are_scaled_as_asked_for_or_as_the_configuration_was_published(
    words: list[str], config: dict[str, bool], expected: str
) -> None:
    parser = argparse.ArgumentParser()
    evaluate.arguments(parser)
    options = parser.parse_args(["eegnet", "--data", TINY, "--folds", "3", *words])
    assert {part.choice.standardize for part in parts(options, TINY, config, Screen(quiet=True))} == {expected}
