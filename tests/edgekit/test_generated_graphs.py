"""Random graphs give the same bytes, on every layer, as portable C, as DSP C on the host and on the emulated boards."""

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
from tests.quant.strategies import graphs, inputs_of

HOST, BOARDS = load_board("host"), [load_board(name) for name in ("stm32l475", "stm32f756")]
MACHINES = {"portable": HOST, "dsp": replace(HOST, isa=BOARDS[0].isa), **{board.name: board for board in BOARDS}}
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
        x = inputs_of(graph, batch=4)[graph.inputs[0].name]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "out"
            board = MACHINES[machine]
            build_graph(graph, board, folder)
            run = EmulatedBoard(Firmware.load(folder)) if board.target == "cortex-m" else host_library(folder)
            agreement = compare(graph, machine, run, x)
        assert agreement.different == 0, str(agreement.first)
        assert agreement.layers >= 2

    check()


def test_an_arena_across_all_memories_of_the_stm32f756(tmp_path: Path) -> None:
    graph, board = pointwise(39, 2035), load_board("stm32f756")
    built = build_graph(graph, board, tmp_path / "out")
    assert built.sizes.ram > sum(memory.bytes for memory in board.rams[:-1])
    run = EmulatedBoard(Firmware.load(tmp_path / "out"))
    assert compare(graph, "board", run, inputs_for(graph, 3)["x"]).different == 0
