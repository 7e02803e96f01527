"""Layers in tiles on one core: the same bytes however they are cut, and cut where it pays."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deploy.boards import Board, load_board
from deploy.build import build_graph
from deploy.depthfirst import GEOMETRIES, SLOWER, choose_tiles
from deploy.layers import Lowered, lower
from deploy.lifetimes import place
from deploy.pieces import Tiled, uncut
from deploy.plan import Plan, make_plan
from edgekit.agreement import EmulatedBoard, compare, host_library
from edgekit.firmware import Firmware
from quant.errors import UserError
from quant.graph import Graph
from quant.networks.eeg_tcnet import eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.order import spatial_first
from quant.training.untrained import random_graph
from tests.deploy.cuts import RandomCuts
from tests.deploy.graphs import every_operator, inputs_for, pointwise
from tests.quant.strategies import chains, inputs_of

HOST, M4 = load_board("host"), load_board("stm32l475")
DSP = replace(HOST, isa=M4.isa)
# No shrinking: every example compiles a project. The failing graph is printed as it is.
COMPILED = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
EEG = {
    "eegnet": lambda: eegnet(38, 54, 4, 3),
    "q-eegnet": lambda: q_eegnet(22, 1125, 4),
    "eeg-tcnet": lambda: eeg_tcnet(22, 1125, 4),
}


def one_after_the_other(low: Lowered, room: int | None = None) -> tuple[Tiled, ...]:
    """Every layer at once, as it would be without tiles."""
    return tuple(uncut(layer) for layer in low.layers)


def run_cut(graph: Graph, board: Board, inputs: np.ndarray, folder: Path, cuts: RandomCuts) -> None:
    """Build with these cuts and compare every layer with the reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deploy.one_core.make_plan", partial(make_plan, cut=cuts))
        build_graph(graph, board, folder)
    machine = host_library(folder) if board.target == "host" else EmulatedBoard(Firmware.load(folder))
    agreement = compare(graph, board.name, machine, inputs)
    assert agreement.different == 0, str(agreement.first)


@pytest.mark.parametrize("board", [HOST, DSP, M4], ids=["portable", "dsp", "cortex-m4"])
def test_chains_in_random_tiles_give_the_same_bytes(board: Board) -> None:
    seen = []

    @COMPILED
    @given(chains(), st.integers(0, 1000))
    def check(graph: Graph, seed: int) -> None:
        cuts = RandomCuts(seed)
        with tempfile.TemporaryDirectory() as name:
            run_cut(graph, board, inputs_of(graph)[graph.inputs[0].name], Path(name) / "out", cuts)
        seen.append(cuts)

    check()
    assert sum(cuts.tiled for cuts in seen) > len(seen) and sum(cuts.fused for cuts in seen) > len(seen) // 2


@pytest.mark.parametrize("seed", [0, 3])
def test_a_front_end_in_random_tiles(tmp_path: Path, seed: int) -> None:
    """Temporal and spatial convolution, table and pool."""
    graph, cuts = random_graph(eegnet(3, 24, 2, 8)), RandomCuts(seed)
    run_cut(graph, DSP, inputs_for(graph, 4)[graph.inputs[0].name].astype(np.int8), tmp_path / "out", cuts)
    assert cuts.tiled


@pytest.mark.parametrize("board", ["stm32l475", "stm32f756"])
@pytest.mark.parametrize("order", ["faithful", "spatial-first"])
@pytest.mark.parametrize("name", EEG)
def test_networks_of_the_eeg_family_fit(name: str, order: str, board: str) -> None:
    network = EEG[name]()
    plan = make_plan(random_graph(spatial_first(network) if order == "spatial-first" else network), load_board(board))
    temporal = next(layer for layer in plan.layers if layer.node.name == "temporal")
    if order == "faithful":
        assert not _stored(plan, "temporal")
        assert plan.arena.size < temporal.site.output.nbytes / 2


def test_the_emulated_board_agrees_on_every_tile(tmp_path: Path) -> None:
    graph = random_graph(eegnet(38, 54, 4, 3))
    built = build_graph(graph, M4, tmp_path / "out")
    assert any(layer["tile_boxes"] for layer in built.facts["layers"])
    x = inputs_for(graph, 2)[graph.inputs[0].name].astype(np.int8)
    agreement = compare(graph, "board", EmulatedBoard(Firmware.load(tmp_path / "out")), x)
    assert agreement.different == 0, str(agreement.first)


def _stored(plan: Plan, name: str) -> bool:
    """Whether a layer's output exists whole."""
    return all(name != layer.node.name for run in plan.runs for layer in run.group.layers[:-1])


def _cycles(runs: tuple[Tiled, ...]) -> float:
    return sum(piece.layer.kernel.cycles(piece.site) for run in runs for visit in run.visits for piece in visit)


@pytest.fixture(scope="module")
def wide() -> Lowered:
    """An EEG front end that lies in 84 KB, layer by layer."""
    return lower(random_graph(q_eegnet(8, 600, 4)), M4)


def test_memory_is_saved_where_that_is_cheap(wide: Lowered) -> None:
    plain, chosen = one_after_the_other(wide), choose_tiles(wide, None)
    assert place(wide, chosen)[0].size < 0.5 * place(wide, plain)[0].size
    assert _cycles(chosen) <= SLOWER * _cycles(plain)


def test_memory_is_not_saved_with_much_code(wide: Lowered) -> None:
    """Tiles at the start and the end of a row see padding; all between are alike."""
    cut = [run for run in choose_tiles(wide, None) if run.cut]
    assert cut
    for run in cut:
        for position in range(len(run.group.layers)):
            geometries = {str(piece.calls[0].geometry) for piece in run.pieces(position)}
            assert len(geometries) <= GEOMETRIES


def test_tiles_that_a_kernel_does_not_take_are_left_out(wide: Lowered, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the kernel of the spatial convolution took nothing but the whole width."""
    layer = next(layer for layer in wide.layers if layer.node.name == "spatial")
    width = layer.site.output.shape
    monkeypatch.setattr(
        type(layer.kernel), "unsupported", lambda self, site: None if site.output.shape == width else "it is too narrow"
    )
    assert not any(layer in run.group.layers for run in choose_tiles(wide, None) if run.cut)


def test_what_has_to_fit_is_cut_whatever_it_costs(wide: Lowered) -> None:
    free = place(wide, choose_tiles(wide, None))[0].size
    room = free * 3 // 4
    assert place(wide, choose_tiles(wide, room))[0].size <= room


def test_nothing_is_cut_for_a_few_bytes() -> None:
    """What lies at the border is never in tiles: the arena is the input's and the output's."""
    low = lower(pointwise(1, 100), HOST)
    assert not any(run.cut for run in choose_tiles(low, None))


def test_what_does_not_fit_in_any_tiles_is_refused() -> None:
    memories = tuple(replace(memory, bytes=256) if memory.kind == "ram" else memory for memory in M4.memories)
    with pytest.raises(UserError, match="bytes too many"):
        make_plan(every_operator(), replace(M4, memories=memories))
