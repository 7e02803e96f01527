"""Tables of 256 bytes."""

from __future__ import annotations

import numpy as np
import pytest

from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import Table
from tests.quant.machines import check_op, graph_of

EVERY = {"x": np.arange(-128, 128, dtype=np.int8).reshape(1, 2, 128)}


def test_every_value() -> None:
    table = np.random.default_rng(0).permutation(np.arange(-128, 128))
    assert check_op(Table(table, 9), Tensor("x", (2, 128)), values=EVERY).ravel().tolist() == table.tolist()


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2, 3, 4)])
def test_every_rank(shape: tuple[int, ...]) -> None:
    check_op(Table(np.arange(127, -129, -1), 0), Tensor("x", shape))


def test_tabulates_a_function_with_scales_and_zero_points() -> None:
    op = Table.of(np.tanh, (0.05, 10), (1 / 128, 0))
    for q in (-128, 9, 10, 11, 127):
        assert op.table[q + 128] == min(127, np.floor(np.tanh((q - 10) * 0.05) * 128 + 0.5))


def test_ties_round_up_and_ends_saturate() -> None:
    half = Table.of(lambda x: x / 2, (1.0, 0), (1.0, 0)).table
    assert half[[128 + q for q in (-3, -1, 1, 3)]].tolist() == [-1, 0, 1, 2]
    triple = Table.of(lambda x: 3 * x, (1.0, 0), (1.0, 5)).table
    assert (triple.min(), triple.max(), triple[128]) == (-128, 127, 5)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (np.zeros(255, np.int64), "shape (255,)"),
        (np.full(256, 128), "outside int8"),
        (np.full(256, -129), "outside int8"),
    ],
)
def test_refusals(table: np.ndarray, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(Table(table), Tensor("x", (4,)))
    assert words in str(caught.value)
