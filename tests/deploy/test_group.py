"""Which neighbours may run depth-first."""

from __future__ import annotations

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.group import fusible, single
from deploy.layers import lower
from quant.graph import Graph, GraphBuilder
from quant.ops import Concat, Conv, MaxPool, Op, Table
from quant.requant import Requant

IDENTITY = Table(np.arange(-128, 128), 0)


def conv(kernel: int, stride: int, pads: int = 0) -> Conv:
    factor = Requant.from_real(0.01, zero_point=0, lo=-128, hi=127)
    steps = (stride,) * 2
    return Conv(np.ones((4, 4, kernel, kernel), np.int64), np.zeros(4, np.int64), factor, steps, (1, 1), (pads,) * 4)


def pool(kernel: int, stride: int) -> MaxPool:
    return MaxPool((kernel,) * 2, (stride,) * 2, (0,) * 4)


def graph_of(*ops: Op) -> Graph:
    builder = GraphBuilder("chain")
    x = builder.input("x", (4, 11, 11), zero_point=0, scale=0.1)
    for number, op in enumerate(ops):
        x = builder.add(f"n{number}", op, *((x, x) if isinstance(op, Concat) else (x,)), scale=0.1)
    builder.output(x)
    return builder.build()


@pytest.mark.parametrize(
    ("ops", "joined"),
    [
        ((conv(1, 1), conv(3, 1, 1)), True),
        ((conv(1, 1), pool(2, 2)), True),  # the last row and column are not computed at all
        ((conv(1, 1), pool(1, 3)), True),  # only every third row and column is computed
        ((conv(1, 1), pool(2, 3)), False),  # every third row lies between two windows
        ((conv(3, 1, 1), IDENTITY), True),
        ((conv(1, 1), IDENTITY, pool(2, 2)), True),
    ],
)
def test_tiles_of_the_second_read_all_of_the_first(ops: tuple[Op, ...], joined: bool) -> None:
    low = lower(graph_of(*ops), load_board("gap8"))
    groups = [group for group in single(low) if group.first.node.name in {f"n{i}" for i in range(len(ops))}]
    assert fusible(low, groups[-2], groups[-1]) == joined


def test_what_the_second_leaves_out_would_not_be_computed() -> None:
    """The table reads pieces of the joined rows that are apart, so it computes everything; the pool drops some."""
    low = lower(graph_of(Concat(2), IDENTITY, pool(3, 3)), load_board("gap8"))
    _, table, last, *_ = [group for group in single(low) if group.first.node.name.startswith("n")]
    assert not low.need.partial("n1")
    assert not fusible(low, table, last)
