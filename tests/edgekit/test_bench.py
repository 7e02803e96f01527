"""The cost baseline: repeatable, and every moved figure is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.boards import load_board
from deploy.facts import table_macs
from edgekit import bench
from edgekit.bench_networks import ENTRIES
from quant.interchange.write import to_onnx
from quant.networks import MODELS
from quant.training.untrained import random_graph
from tests.deploy.graphs import pointwise

ROOT = Path(__file__).resolve().parents[2]


def test_random_graphs_are_the_networks_own_and_repeat() -> None:
    network = MODELS["ecg-tcn"].network
    graph = random_graph(network)
    assert (graph.total_macs, graph.parameters) == (network.macs, network.weights)
    assert to_onnx(random_graph(network)).SerializeToString() == to_onnx(graph).SerializeToString()
    assert to_onnx(random_graph(network, 1)).SerializeToString() != to_onnx(graph).SerializeToString()


def test_a_graph_of_the_baseline_notes_the_macs_of_the_published_order() -> None:
    faithful, first = (entry for entry in ENTRIES if entry.name.startswith("q-eegnet") and entry.memory is None)
    graphs = [bench.entry_graph(entry) for entry in (faithful, first)]
    assert [graph.info["order"] for graph in graphs] == ["faithful", "spatial-first"]
    assert [table_macs(graph) for graph in graphs] == [13_140_768, 13_140_768]
    assert graphs[1].total_macs < graphs[0].total_macs == 13_140_768
    assert "order" not in bench.entry_graph(ENTRIES[0]).info


def test_a_board_that_cannot_take_a_network_says_why(tmp_path: Path) -> None:
    figures = bench.board_figures(pointwise(40, 2020), load_board("stm32l475"), tmp_path)
    assert list(figures) == ["refused"] and "bytes too many" in figures["refused"]


def test_on_the_host_there_are_no_cycles(tmp_path: Path) -> None:
    figures = bench.board_figures(pointwise(4, 20), load_board("host"), tmp_path)
    assert figures == {"macs": 80, "executed_macs": 80, "arena_bytes": 160, "weight_bytes": 4}


def test_changes_names_what_moved() -> None:
    before = {"net on board": {"cycles": 200, "layer_cycles": {"a": 50, "gone": 1}}, "same": {"cycles": 3}}
    before |= {"large": {"refused": "20 bytes too many"}, "small": {"refused": "2 bytes too many"}}
    now = {"net on board": {"cycles": 190, "layer_cycles": {"a": 50, "new": 2}}, "same": {"cycles": 3}}
    now |= {"large": {"refused": "9 bytes too many"}, "small": {"cycles": 7}}
    assert bench.changes(before, now) == [
        "net on board, cycles: 200 -> 190 (-5.00 %)",
        "net on board, layer_cycles, gone: 1 -> None",
        "net on board, layer_cycles, new: 2 (new)",
        "large, refused: 20 bytes too many -> 9 bytes too many",
        "small, refused: 2 bytes too many -> None",
        "small, cycles: 7 (new)",
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
