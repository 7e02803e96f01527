"""Graphs of bits and class memories give the same bytes on the host, the emulated board and the simulated cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.build import build_graph
from edgekit.agreement import EmulatedBoard, compare, host_library
from edgekit.firmware import Firmware
from edgekit.simulation import Simulator
from quant.graph import Graph
from quant.ops import Reshape, Slice
from quant.reference import run
from tests.deploy.gap.graphs import tight
from tests.edgekit.test_generated_graphs import MACHINES
from tests.quant.bit_models import all_bit_graphs
from tests.quant.strategies import inputs_of


def computing(graph: Graph) -> int:
    """Nodes that no build can do without: reshapes and slices may be nothing but another view."""
    return sum(not isinstance(node.op, Reshape | Slice) for node in graph.nodes)


@pytest.mark.parametrize("graph", all_bit_graphs(), ids=lambda graph: graph.name)
@pytest.mark.parametrize("machine", ["portable", "dsp", "cortex-m4"])
def test_machine_equals_the_reference(machine: str, graph: Graph, tmp_path: Path) -> None:
    build_graph(graph, MACHINES[machine], tmp_path / "out")
    on = EmulatedBoard(Firmware.load(tmp_path / "out")) if machine == "cortex-m4" else host_library(tmp_path / "out")
    agreement = compare(graph, machine, on, inputs_of(graph)["x"])
    assert agreement.different == 0, str(agreement.first)
    assert agreement.layers >= computing(graph)


@pytest.mark.parametrize("graph", all_bit_graphs(), ids=lambda graph: graph.name)
def test_cluster_equals_the_reference(graph: Graph, tmp_path: Path) -> None:
    board = tight(graph)[0]
    built = build_graph(graph, board, tmp_path / "app")
    inputs = inputs_of(graph)
    expected = run(graph, inputs)
    for cores in (1, 3, 8):
        result = Simulator(built.folder, built.facts, board).run(
            inputs["x"], board.operating_point(), cores, layers=True
        )
        assert result.selftest_passed and len(result.layers) >= computing(graph)
        for name, values in result.layers.items():
            assert values.tolist() == expected[name.removesuffix(".stored")].tolist(), f"{name}, {cores} cores"
