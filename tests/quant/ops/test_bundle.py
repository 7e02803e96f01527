"""Majority and parity over positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import Bundle
from tests.quant.machines import check_op, graph_of


@pytest.mark.parametrize("mode", ["majority", "xor"])
@pytest.mark.parametrize("positions", [1, 2, 3, 4, 8, 17])
def test_every_number_of_positions(positions: int, mode: Any) -> None:
    check_op(Bundle(mode), Tensor("x", (37, positions), DType.B1))


def test_ties_give_0() -> None:
    x = np.array([[[0, 0, 1, 1], [1, 1, 1, 0], [0, 0, 0, 1]]], bool)
    assert check_op(Bundle(), Tensor("x", (3, 4), DType.B1), values={"x": x}).tolist() == [[0, 1, 0]]
    assert check_op(Bundle("xor"), Tensor("x", (3, 4), DType.B1), values={"x": x}).tolist() == [[0, 1, 1]]


@pytest.mark.parametrize(
    ("op", "x", "words"),
    [
        (Bundle(), Tensor("x", (8,), DType.B1), "rank 1 without batch"),
        (Bundle(), Tensor("x", (8, 2)), "input 'x' has type s8"),
        (Bundle("mean"), Tensor("x", (8, 2), DType.B1), "mode 'mean' does not exist"),  # type: ignore[arg-type]
    ],
)
def test_refusals(op: Bundle, x: Tensor, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(op, x)
    assert words in str(caught.value)
