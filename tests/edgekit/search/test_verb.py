"""``edgekit sweep`` from the command line, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.cli import main
from quant.interchange.model import load
from quant.interchange.read import from_onnx
from quant.reference import run
from tests.edgekit.tiny_eeg import TINY

BOARD = "gap9"
QUICK = ["--data", TINY, "--protocol", "sessions", "--epochs", "3", "--qat-epochs", "1", "--jobs", "1"]
GRID = ["--grid", "filters=2", "tcn_filters=4", "blocks=1,2", "dropout=0.1,0.2"]


def test_a_whole_search_and_its_continuation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sweep", "eeg-tcnet", *QUICK, *GRID, "--order", "spatial-first", "--board", BOARD, "--out", str(tmp_path)]
    assert main([*words, "--subject", "1"]) == 0
    said = capsys.readouterr()
    assert (
        "filters 2, tcn_filters 4, blocks 1, dropout 0.2: subject 1, seed 0: int8 spatial-first: held out" in said.err
    )
    assert f"on {BOARD}" in said.out and "each its own, mean" in said.out
    assert "2 of 2" in said.err  # prices: dropout leaves no trace
    assert main([*words, "--subject", "1,3", "--resume", "--json"]) == 0
    said = capsys.readouterr()
    assert "8 of 8, 4 kept from before" in said.err and "2 of 2, 2 kept from before" in said.err
    found = json.loads(said.out)
    assert found == json.loads((tmp_path / "sweep.json").read_text())
    assert found["command"].startswith(f"edgekit sweep eeg-tcnet --data {TINY} --protocol sessions --subject 1,3 ")
    one, other, deeper, _ = found["configurations"]
    assert one["boards"][BOARD]["cost"] == other["boards"][BOARD]["cost"]
    assert one["boards"][BOARD]["cost"]["cycles"] < deeper["boards"][BOARD]["cost"]["cycles"]
    assert one["config"] == {"filters": 2, "tcn_filters": 4, "blocks": 1, "dropout": 0.1}
    assert [choice["group"] for choice in found["groups"]] == ["subject 1", "subject 3"]
    assert "<svg" in (tmp_path / "sweep.html").read_text()
    graph = from_onnx(load(tmp_path / "models" / "subject-3.onnx"))
    entry = graph.inputs[0]
    assert run(graph, {entry.name: np.zeros((1, *entry.shape), np.int8)})[graph.outputs[0].name].shape == (1, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["eeg-tcnet", "--grid", "filter=8"], "unknown axis of eeg-tcnet 'filter'"),
        (["eeg-tcnet", "--board", "stm32l4"], "unknown board 'stm32l4'"),
        (["eeg-tcnet", "--board", "host"], "it is not emulated"),
        (["ecg-tcn", "--order", "spatial-first"], "unknown order of ecg-tcn"),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
