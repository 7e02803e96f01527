"""The PMSIS application on this computer: generated graphs give the bytes of the reference with 1, 2, 4 and 8 threads.

The DMA moves as late as the application allows, or at once: a program without races does not notice.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.boards import Board, load_board
from deploy.build import build_graph
from deploy.readout import computed_parts
from quant.graph import Graph
from quant.networks import MODELS
from quant.reference import run
from quant.training.untrained import random_graph
from tests.deploy.gap.graphs import GRAPHS, generated, tight
from tests.edgekit.pmsis_host import PmsisModel

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


def check(graph: Graph, board: Board, folder: Path) -> None:
    built = build_graph(graph, board, folder / "app")
    plan, model = built.plan, PmsisModel(built)
    sample = np.random.default_rng(0).integers(-128, 128, graph.inputs[0].shape).astype(np.int8)
    expected, parts = run(graph, {graph.inputs[0].name: sample[None]}), computed_parts(built.facts)
    for cores in (1, 2, 4, 8):
        for mode in ("lazy", "eager"):
            layers, output = model.run(sample, cores, mode)
            assert len(layers) == len(plan.layers)
            for name, values in layers.items():
                if name in expected:
                    part = expected[name][0][parts.get(name, ())]
                    np.testing.assert_array_equal(values, part, err_msg=f"{name}, {cores} cores, {mode}")
            np.testing.assert_array_equal(output, expected[graph.outputs[0].name][0])
