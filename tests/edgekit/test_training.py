"""What the command line asks for: presets taken apart, data selected, mistakes named before anything is loaded."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import training
from edgekit.options import presets_of
from edgekit.page.schema import missing
from quant.datasets import DATASETS
from quant.datasets.recordings import Recordings
from quant.errors import UserError

SHORT = ("--epochs", "1", "--qat-epochs", "1")


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    training.arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int8", ("int8", None)),
        ("edge-m4f", ("int8", "edge-m4f")),
        ("w7a8,edge-38", ("w7a8", "edge-38")),
        ("edge-38, w7a8", ("w7a8", "edge-38")),
        ("19ch-ds2-1s,int8", ("int8", "19ch-ds2-1s")),
    ],
)
def test_a_preset_is_a_quantization_an_excerpt_or_both(text: str, expected: tuple[str, str | None]) -> None:
    assert presets_of(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("edge-m4", "did you mean 'edge-m4f'"),
        ("int8,w7a8", "int8 and w7a8: only one quantization at a time"),
        ("edge-m7,edge-m4f", "edge-m7 and edge-m4f: only one excerpt at a time"),
    ],
)
def test_presets_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        presets_of(text)


def test_data_is_selected_by_options_and_else_by_defaults() -> None:
    plain = training.selection(options("eeg-tcnet"))
    assert (plain["data"], plain["excerpt"], plain["standardize"]) == ("synthetic-eeg", None, "channel")
    words = ("--data", "bci-iv-2a", "--subject", "2", "--config", "S2", "--fold", "3", "--preset", "motor-22")
    chosen = training.selection(options("eeg-tcnet", *words))
    assert chosen == {
        "data": "bci-iv-2a",
        "excerpt": "motor-22",
        "protocol": None,
        "subject": 2,
        "fold": 3,
        "folds": 5,
        "standardize": "none",  # as the published network of subject 2 was trained
    }
    assert training.selection(options("eeg-tcnet", *words, "--standardize", "sample"))["standardize"] == "sample"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("eegnet", "--data", "eegmidb"), "did you mean 'eegmmidb'"),
        (("eegnet", "--config", "relo"), "did you mean 'relu'"),
        (("ecg-tcn", "--order", "spatial-first"), "order of ecg-tcn"),
        (("ecg-tcn", "--subject", "3"), "its training and test part are fixed"),
        (("eegnet", "--subject", "77"), "it has no subject 77"),
        (("eegnet", "--qat", "rpr", "--qat-epochs", "3"), "3 with random partition relaxation"),
    ],
)
def test_mistakes_are_named_and_leave_nothing(
    edgekit: Any, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    code, _, error = edgekit("train", *words, "--out", tmp_path / "run")
    assert code == 2 and message in error and not (tmp_path / "run").exists()


def test_a_run_on_eeg_names_its_data_and_order(edgekit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="training needs edgekit[train]")
    rng = np.random.default_rng(0)
    trials = Recordings(
        "synthetic-eeg",
        ("left", "right"),
        rng.normal(size=(24, 3, 96)).astype(np.float32),
        np.arange(24) % 2,
        np.repeat([1, 2], 12),
        np.arange(24) // 6 % 2,
        ("C3", "Cz", "C4"),
        64.0,
        note="made up for a test",
    )
    source = replace(DATASETS["synthetic-eeg"], recordings=lambda say, subjects: trials)
    monkeypatch.setitem(DATASETS, "synthetic-eeg", source)
    out = tmp_path / "run"
    words = ("run", "eegnet", "--board", "stm32l475", "--order", "spatial-first", "--config", "relu", *SHORT)
    code, _, error = edgekit(*words, "--beats", "2", "--out", out)
    assert code == 0, error
    assert "made up for a test" in error and "session 1 to session 2" in error
    report = json.loads((out / "report.json").read_text())
    assert report["training"]["network"]["order"] == "spatial-first" and not any(
        a["different"] for a in report["agreement"]
    )
    assert report["training"]["selection"]["data"] == "synthetic-eeg"
    assert missing(report) == []
    assert report["data"] == {"split": "session 1 to session 2", "note": "made up for a test"}
    assert [(row["subject"], row["trials"]) for row in report["eeg"]["subjects"]] == [(1, 6), (2, 6)]
    assert (report["eeg"]["channels"], report["eeg"]["fs"]) == (["C3", "Cz", "C4"], 64.0)
    page = (out / "report.html").read_text()
    assert page.count('class="scalp"') == 16 and page.count('class="response"') == 8
    assert "(made up for a test)" in page and "MAC/cycle, spatial-first" in page
    assert edgekit("quantize", out, "--quiet")[0] == 0
