"""``edgekit run mann-eegnet``: from training to the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.cli import main
from edgekit.mann import ratio, refuse_unseen
from quant import datasets
from quant.datasets.choice import Choice
from quant.errors import UserError
from quant.interchange.read import read_model
from quant.ops import Hamming, Project
from tests.edgekit.tiny_eeg import SOURCE, TINY

pytest.importorskip("torch", reason="needs edgekit[train]")
pytest.importorskip("brevitas", reason="needs edgekit[train]")

WORDS = f"--data {TINY} --folds 3 --epochs 6 --qat-epochs 2 --beats 1 --quiet"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(datasets.DATASETS, SOURCE.name, SOURCE)


def ran(out: Path, words: str) -> dict[str, Any]:
    assert main(["run", "mann-eegnet", *f"{words} {WORDS}".split(), "--out", str(out)]) == 0
    return json.loads((out / "report.json").read_text())


@pytest.mark.parametrize(("kind", "board"), [("random --dim 100", "stm32l475"), ("learned --dim 33", "gap8")])
def test_all_machines_agree(tmp_path: Path, kind: str, board: str) -> None:
    report = ran(tmp_path / "out", f"--memory {kind} --board {board}")
    assert [entry["different"] for entry in report["agreement"]] == [0, 0, 0]
    assert report["model"] == "mann-eegnet" and report["hd"]["dimension"] == int(kind.split()[-1])
    assert report["hd"]["curve"][-1]["accuracy"] == report["accuracy"]["int8"]
    assert [row["width"] for row in report["memory_sizes"]] == [16, 8, 16]
    assert report["memory_sizes"][-1]["smaller"] == pytest.approx(1.283 if kind[0] == "r" else 1 / 28.1, rel=0.003)
    assert "fc" not in {row["name"] for row in report["sqnr"]} | {row["name"] for row in report["layers"]}
    people = report["eeg"]["subjects"]
    right = sum(row["trials"] * row["int8"] for row in people) / sum(row["trials"] for row in people)
    assert right == pytest.approx(report["accuracy"]["int8"], abs=1e-12)
    graph = read_model(tmp_path / "out" / "model.onnx")
    kinds = [type(node.op) for node in graph.nodes]
    assert Hamming in kinds and (Project in kinds) == (kind[0] == "r")
    page = (tmp_path / "out" / "report.html").read_text()
    for words in ("A memory of bits in the place of the last layer", "Prototypes to each other", "EEGNet, float32"):
        assert words in page


def test_help_shows_its_own_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "mann-eegnet", "--help"])
    told = capsys.readouterr().out
    assert "--memory {random,learned}" in told and "--cluster-memory" in told and "--qat-epochs" in told


def test_a_class_without_trials() -> None:
    data = datasets.load(TINY, choice=Choice(folds=3))
    with pytest.raises(UserError, match="class 'first': it has no training trials"):
        refuse_unseen(replace(data, y_train=np.zeros_like(data.y_train)))


def test_ratios_in_words() -> None:
    assert ratio({"smaller": 1.2832}) == "1.283 x"
    assert ratio({"smaller": 0.05}) == "20.00 x larger"
