"""Every network of the EEG family, in both orders, on every board: the same bytes at every layer on recorded trials."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.boards import load_board
from deploy.build import build_graph
from edgekit.agreement import compare
from edgekit.samples import stored
from quant import datasets
from quant.datasets import Choice
from quant.networks import MODELS
from quant.networks.order import ORDERS, Order, in_order
from quant.ops import Reshape
from quant.training.untrained import random_graph
from tests.edgekit.machines import machine

BOARDS = ("host", "stm32l475", "stm32f756", "gap8", "gap9", "mrwolf")
PEOPLE = (0, 250, 494)  # trials of three of the eleven people that the first fold tests

pytestmark = pytest.mark.skipif(not os.environ.get("EDGEKIT_DATA"), reason="EDGEKIT_DATA is not set")


@pytest.fixture(scope="module")
def trials() -> NDArray[np.float32]:
    """As networks take them: (3, 1, 38, 54)."""
    data = datasets.load("eegmmidb", choice=Choice("edge-m4f"))
    return data.scale(data.x_test[list(PEOPLE)])


@pytest.mark.parametrize(("name", "order", "board"), [*product(("eegnet", "q-eegnet", "eeg-tcnet"), ORDERS, BOARDS)])
def test_same_bytes(name: str, order: Order, board: str, trials: NDArray[np.float32], tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the export needs edgekit[train]")
    graph = random_graph(in_order(MODELS[name].fitted(trials.shape[1:], 2, 3), order))
    build_graph(graph, load_board(board), tmp_path / "out")
    entry = graph.inputs[0]
    assert entry.scale is not None
    inputs = stored(trials, entry.scale, entry.zero_point)
    agreement = compare(graph, board, machine(tmp_path / "out", board), inputs)
    assert agreement.different == 0, str(agreement.first)
    assert agreement.layers >= sum(not isinstance(node.op, Reshape) for node in graph.nodes)
