"""Streams as firmware: every machine gives the bytes of the reference at every hop, and the verbs say what it costs."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from deploy.boards import load_board
from deploy.build import build_graph
from deploy.layers import Layer
from deploy.plan import make_plan
from edgekit import hops
from edgekit.agreement import EmulatedBoard, Machine, SimulatedCluster, compare, host_library, onnx_runtime
from edgekit.firmware import Firmware
from quant.errors import UserError
from quant.graph import Graph
from quant.interchange.read import read_model
from quant.interchange.write import save, to_onnx
from quant.metrics import Metrics
from quant.networks.eeg_tcnet import eeg_tcnet
from quant.networks.eegnet import eegnet, q_eegnet
from quant.networks.network import Network
from quant.networks.order import spatial_first
from quant.reference import run
from quant.streaming import MODES, stream
from quant.training.untrained import random_graph
from tests.deploy.cuts import RandomCuts
from tests.deploy.states import shifting
from tests.quant.streaming.streams import ALONG_TIME, hops_of, looking_back

HOST, M4, M7, GAP8 = map(load_board, ("host", "stm32l475", "stm32f756", "gap8"))
MACHINES = {"portable": HOST, "dsp": replace(HOST, isa=M4.isa), "cortex-m4": M4, "gap8": GAP8}
COMPILED = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def check(graph: Graph, step: Graph, machine: str, board: Any, count: int) -> None:
    """Builds ``step`` and compares ``count`` hops on every layer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "out"
        build_graph(step, board, folder)
        compute: Machine
        if board.target == "host":
            compute = host_library(folder)
        elif board.cluster:
            compute = SimulatedCluster(Firmware.load(folder), board.operating_point(), None)
        else:
            compute = EmulatedBoard(Firmware.load(folder))
        agreement = compare(step, machine, compute, hops_of(graph, step.inputs[0].shape[-1], count))
    assert agreement.different == 0, str(agreement.first)
    assert agreement.samples == count


@pytest.mark.parametrize("machine", MACHINES)
def test_generated_graphs(machine: str) -> None:
    @COMPILED
    @given(ALONG_TIME, st.sampled_from([1, 2, 3, 6]), st.sampled_from(MODES))
    def test(graph: Graph, hop: int, mode: str) -> None:
        assume(machine != "gap8" or len(graph.outputs) == 1)  # the simulator returns the first one
        try:
            step = stream(graph, hop, mode)
        except UserError:
            assume(False)
        check(graph, step, machine, MACHINES[machine], 5)

    test()


@pytest.mark.parametrize(("hop", "mode", "seed"), [(24, "causal", 1), (24, "causal", 2), (9, "exact", 3)])
def test_streams_in_random_tiles(hop: int, mode: str, seed: int) -> None:
    """Layers that read states, and those whose outputs become states, run depth-first as well as at once."""
    graph, cuts = random_graph(eegnet(3, 54, 2, 3)), RandomCuts(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deploy.one_core.make_plan", partial(make_plan, cut=cuts))
        check(graph, stream(graph, hop, mode), M4.name, M4, 7)
    assert cuts.fused


@pytest.mark.parametrize("board", [HOST, M4], ids=["host", "cortex-m4"])
def test_streams_run_depth_first(board: Any) -> None:
    """What lies between temporal and spatial convolution is in tiles; what they look back to is a state."""
    graph = random_graph(eegnet(38, 54, 4, 3))
    step = stream(graph, 24, "causal")
    fused = [run.group.layers for run in make_plan(step, board).runs if run.cut and run.group.fused]
    assert [layer.node.name for layer in fused[0][:2]] == ["temporal", "spatial"]
    assert {state.input for state in step.states} & {name for layer in fused[0][:1] for name in _sources(step, layer)}
    check(graph, step, board.name, board, 5)


def _sources(step: Graph, layer: Layer) -> set[str]:
    """Tensors that what a layer reads is joined from."""
    makers = {node.output: node for node in step.nodes}
    return {name for read in layer.node.inputs if read in makers for name in makers[read].inputs}


@pytest.mark.parametrize(
    ("network", "hop", "mode", "board"),
    [
        (eegnet(8, 54, 4, 3), 9, "exact", M4),
        (spatial_first(eegnet(8, 54, 4, 3)), 24, "causal", M7),
        (q_eegnet(6, 256, 4), 64, "exact", M7),
        (spatial_first(eeg_tcnet(4, 512, 4)), 64, "exact", M4),
        (q_eegnet(22, 1125, 4), 64, "exact", GAP8),
        (eeg_tcnet(4, 512, 4), 64, "causal", GAP8),
    ],
)
def test_networks_of_the_eeg_family(network: Network, hop: int, mode: str, board: Any) -> None:
    graph = random_graph(network)
    check(graph, stream(graph, hop, mode), board.name, board, 4 + graph.inputs[0].shape[-1] // hop)


@pytest.mark.parametrize("length", [100, 700, 1400])
def test_a_state_of_a_cluster_is_written_over_itself_or_copied(length: int, tmp_path: Path) -> None:
    """In L1, where both values fit; through L1, where one does; in L2, where none does."""
    graph = shifting(np.arange(40 * length).reshape(40, length) % 100, (40, length), 8)
    build_graph(graph, GAP8, tmp_path / "out")
    copied = (tmp_path / "out" / "src" / "model.c").read_text().count("ek_copy_tensor(shifting_arena")
    assert copied == (2 if length == 1400 else 1)
    compute = SimulatedCluster(Firmware.load(tmp_path / "out"), GAP8.operating_point(), None)
    assert compare(graph, "gap8", compute, hops_of(graph, 8, 4)).different == 0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "eegnet.onnx"
    save(to_onnx(random_graph(spatial_first(eegnet(8, 54, 4, 3)))), path)
    return path


def test_a_step_model_is_built_from_a_window_model(edgekit: Any, model: Path, tmp_path: Path) -> None:
    code, _, err = edgekit("build", model, "--board", "host", "--out", tmp_path / "out", "--streaming", 9)
    assert code == 0, err
    step = read_model(tmp_path / "out" / "model.onnx")
    assert [entry.name for entry in step.entries] == ["step"]
    assert "void eegnet_step(" in (tmp_path / "out" / "src" / "model.h").read_text()
    given = hops_of(step, 9, 12)
    assert compare(step, "host", host_library(tmp_path / "out"), given).different == 0
    assert compare(step, "onnx", onnx_runtime(tmp_path / "out" / "model.onnx"), given).different == 0
    assert hops.whole(read_model(model), step, given).different == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--streaming-mode", "causal"), "add --streaming HOP"),
        (("--streaming", 54), "1 to 53"),
        (("--streaming", 9, "--streaming-mode", "causal"), "choose 24"),
    ],
)
def test_what_cannot_be_a_stream_is_refused(
    edgekit: Any, model: Path, tmp_path: Path, words: tuple[object, ...], message: str
) -> None:
    code, _, err = edgekit("build", model, "--board", "host", "--out", tmp_path / "out", *words)
    assert code == 2
    assert message in err
    assert not (tmp_path / "out").exists()


def test_hops_are_cut_from_inputs_one_behind_the_other() -> None:
    inputs = np.arange(60, dtype=np.int8).reshape(3, 2, 10)
    found = hops.hops_of(inputs, 4, 6)
    np.testing.assert_array_equal(np.concatenate(list(found), axis=-1), np.concatenate(list(inputs), axis=-1)[:, :24])
    assert hops.hops_of(inputs, 4, 99).shape == (7, 2, 4)


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_that_says_something_else_is_found(mode: str) -> None:
    graph, other = looking_back(20), looking_back(20, seed=4)
    given = hops_of(graph, 4, 8)
    assert hops.whole(graph, stream(graph, 4, mode), given).different == 0
    agreement = hops.whole(graph, stream(other, 4, mode), given)
    assert agreement.different > 0
    assert agreement.first is not None
    assert agreement.first.layer == "scores"


def test_causal_figures_are_those_of_the_window_where_nothing_looks_ahead() -> None:
    """And where silence before the recording is what the window's padding is."""
    graph, rng = looking_back(20), np.random.default_rng(0)
    inputs = rng.integers(-128, 128, (40, 2, 20)).astype(np.int8)
    trials = hops.Trials(inputs, rng.integers(0, 3, 40), 3)
    windowed = Metrics.of(run(graph, {"x": inputs})["scores"], trials.labels, 3)
    found = hops.causal_metrics(graph, stream(graph, 5, "causal"), trials)
    np.testing.assert_array_equal(found.confusion, windowed.confusion)
