"""The cost baseline: repeatable, and every moved figure is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit import bench
from quant.interchange.write import to_onnx
from quant.networks import MODELS

ROOT = Path(__file__).resolve().parents[2]


def test_random_graphs_are_the_networks_own_and_repeat() -> None:
    network = MODELS["ecg-tcn"].network
    graph = bench.random_graph(network)
    assert (graph.total_macs, graph.parameters) == (network.macs, network.weights)
    assert to_onnx(bench.random_graph(network)).SerializeToString() == to_onnx(graph).SerializeToString()
    assert to_onnx(bench.random_graph(network, 1)).SerializeToString() != to_onnx(graph).SerializeToString()


def test_changes_names_what_moved() -> None:
    before = {"net on board": {"cycles": 200, "layer_cycles": {"a": 50, "gone": 1}}, "same": {"cycles": 3}}
    now = {"net on board": {"cycles": 190, "layer_cycles": {"a": 50, "new": 2}}, "same": {"cycles": 3}}
    assert bench.changes(before, now) == [
        "net on board, cycles: 200 -> 190 (-5.00 %)",
        "net on board, layer_cycles, gone: 1 -> None",
        "net on board, layer_cycles, new: 2 (new)",
    ]


def test_the_baseline_in_the_repository_is_current(tmp_path: Path) -> None:
    """Whoever moves a figure runs 'make bench', so that the change shows it in its diff."""
    kept = json.loads((ROOT / bench.BASELINE).read_text(encoding="utf-8"))["figures"]
    assert bench.changes(kept, bench.measure(tmp_path)) == []


def test_check_fails_where_figures_moved_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "baseline.json"
    monkeypatch.setattr(bench, "measure", lambda folder: {"net on board": {"cycles": 100}})
    assert bench.main(["--file", str(path)]) == 0
    assert bench.main(["--file", str(path), "--check"]) == 0
    monkeypatch.setattr(bench, "measure", lambda folder: {"net on board": {"cycles": 110}})
    written = path.read_bytes()
    capsys.readouterr()
    assert bench.main(["--file", str(path), "--check"]) == 1
    assert capsys.readouterr().out == "net on board, cycles: 100 -> 110 (+10.00 %)\n"
    assert path.read_bytes() == written
    assert bench.main(["--file", str(path)]) == 0
    assert json.loads(path.read_text())["figures"]["net on board"]["cycles"] == 110
