"""Generated graphs on every board with a cluster: every layer's bytes with 1 to 8 cores, and what the DMA moved.

The scratchpad is as small as the graph allows, so that layers are cut along every axis (tests/deploy/gap/test_graphs.py
says what the graphs cover).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deploy.boards import Board, load_board
from deploy.build import build_graph
from deploy.readout import computed_parts
from edgekit.simulation import Simulator
from edgekit.sizes import planned_bytes
from quant.graph import Graph
from quant.networks import MODELS
from quant.networks.eegnet import q_eegnet
from quant.networks.network import Network
from quant.networks.order import spatial_first
from quant.reference import run
from quant.training.untrained import random_graph
from tests.deploy.gap.graphs import GRAPHS, generated, tight

BOARDS = ("gap8", "gap9", "mrwolf")


@pytest.mark.parametrize("board_name", BOARDS)
@pytest.mark.parametrize("seed", range(GRAPHS))
def test_same_bytes_on_every_layer(seed: int, board_name: str, tmp_path: Path) -> None:
    graph = generated(seed)
    check(graph, tight(graph, board_name)[0], tmp_path)


@pytest.mark.parametrize("board_name", BOARDS)
def test_ecg_tcn(board_name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the export needs edgekit[train]")
    check(random_graph(MODELS["ecg-tcn"].network), load_board(board_name), tmp_path)


@pytest.mark.parametrize("memory", [None, 12_500])
@pytest.mark.parametrize("make", [lambda network: network, spatial_first])
def test_eegnet(make: Callable[[Network], Network], memory: int | None, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the export needs edgekit[train]")
    check(random_graph(make(q_eegnet(11, 403, 3))), load_board("gap8"), tmp_path, memory=memory)


def test_q_eegnet_is_faster_than_published_in_as_little_memory(tmp_path: Path) -> None:
    """Published: 35.41 KB and 1.61 million cycles, or 68.15 KB and 1.36 million."""
    pytest.importorskip("torch", reason="the export needs edgekit[train]")
    graph, board = random_graph(q_eegnet(22, 1125, 4)), load_board("gap8")
    built = build_graph(graph, board, tmp_path / "app", memory=36 * 1024)
    inputs = np.random.default_rng(0).integers(-128, 128, (1, *graph.inputs[0].shape)).astype(np.int8)
    result = Simulator(built.folder, built.facts, board).run(inputs, board.operating_point())
    assert np.array_equal(result.outputs, run(graph, {graph.inputs[0].name: inputs})[graph.outputs[0].name])
    assert planned_bytes(built.facts) <= 36 * 1024
    assert result.cost.cycles <= 1_363_921
    assert result.cost.controller < 1_000  # the input is where the network reads it


@pytest.mark.skipif(shutil.which("riscv64-unknown-elf-gcc") is None, reason="riscv64-unknown-elf-gcc is not installed")
@pytest.mark.parametrize("seed", [0, 1])
def test_gcc(seed: int, tmp_path: Path) -> None:
    graph = generated(seed)
    check(graph, tight(graph)[0], tmp_path, "gcc")


def check(graph: Graph, board: Board, folder: Path, compiler: str = "zig", memory: int | None = None) -> None:
    built = build_graph(graph, board, folder / "app", compiler=compiler, memory=memory)
    assert memory is None or planned_bytes(built.facts) <= memory
    plan, simulator = built.plan, Simulator(built.folder, built.facts, board)
    inputs = np.random.default_rng(0).integers(-128, 128, (2, *graph.inputs[0].shape)).astype(np.int8)
    expected, parts = run(graph, {graph.inputs[0].name: inputs}), computed_parts(built.facts)
    into = sum(layer["dma_in_bytes"] for layer in built.facts["layers"]) + built.facts["table_bytes"]
    out = sum(layer["dma_out_bytes"] for layer in built.facts["layers"])
    for cores in (1, 2, 4, 8):
        result = simulator.run(inputs, board.operating_point(), cores, layers=True)
        assert result.selftest_passed
        assert len(result.layers) == len(plan.layers)
        for name, values in result.layers.items():
            if name in expected:
                part = expected[name][:, *parts.get(name, ())]
                np.testing.assert_array_equal(values, part, err_msg=f"{name}, {cores} cores")
        np.testing.assert_array_equal(result.outputs, expected[graph.outputs[0].name])
        total = result.cost.cluster
        assert (total.dma_in, total.dma_out) == (into, out)
