"""Random graphs give the same bytes, on every layer, as portable C, as DSP C on the host and on the emulated board."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from deploy.boards import load_board
from deploy.build import build_graph
from edgekit.agreement import EmulatedBoard, compare, host_library
from edgekit.firmware import Firmware
from quant.graph import Graph
from tests.deploy.graphs import inputs_for, pointwise
from tests.quant.strategies import cones, graphs, inputs_of

HOST, BOARD = load_board("host"), load_board("stm32l475")
M7 = load_board("stm32f756")
MACHINES = {"portable": HOST, "dsp": replace(HOST, isa=BOARD.isa), "cortex-m4": BOARD, "cortex-m7": M7}
# No shrinking: every example compiles a project. The failing graph is printed as it is.
COMPILED = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("machine", MACHINES)
def test_machine_equals_the_reference(machine: str, rank: int) -> None:
    @COMPILED
    @given(graphs(rank=rank))
    def check(graph: Graph) -> None:
        assert compare_on(machine, graph) >= 2

    check()


@pytest.mark.parametrize("machine", ["portable", "dsp", "cortex-m4"])
def test_a_machine_that_computes_only_what_is_needed(machine: str) -> None:
    @settings(COMPILED, max_examples=5)
    @given(cones())
    def check(graph: Graph) -> None:
        assert compare_on(machine, graph) >= 1

    check()


def compare_on(machine: str, graph: Graph) -> int:
    """Builds, runs and compares; how many layers were compared."""
    x = inputs_of(graph, batch=4)[graph.inputs[0].name]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "out"
        build_graph(graph, MACHINES[machine], folder)
        run = EmulatedBoard(Firmware.load(folder)) if machine.startswith("cortex") else host_library(folder)
        agreement = compare(graph, machine, run, x)
    assert agreement.different == 0, str(agreement.first)
    return agreement.layers


def test_an_arena_that_leaves_room_for_nothing_but_the_stack(tmp_path: Path) -> None:
    """It lies across all three RAMs of the STM32F756."""
    graph = pointwise(40, 2020)
    built = build_graph(graph, M7, tmp_path / "out")
    assert 0 <= sum(memory.bytes for memory in M7.rams) - built.facts["bytes"]["ram"] < 4096
    run = EmulatedBoard(Firmware.load(tmp_path / "out"))
    assert compare(graph, "board", run, inputs_for(graph, 3)["x"]).different == 0
