"""Axes in another order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import Transpose
from tests.quant.machines import check_op, graph_of


@pytest.mark.parametrize("dtype", [DType.S8, DType.S16, DType.S32])
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 5)])
def test_every_order(shape: tuple[int, ...], dtype: DType) -> None:
    for perm in permutations(range(len(shape))):
        result = check_op(Transpose(perm), Tensor("x", shape, dtype, 4, 0.5))
        assert result.shape[1:] == tuple(shape[axis] for axis in perm)


def test_it_keeps_the_scale() -> None:
    assert graph_of(Transpose((1, 0)), Tensor("x", (2, 3), scale=0.5)).tensors["y"].scale == 0.5


@pytest.mark.parametrize("perm", [(0,), (0, 0), (1, 2), (0, 1, 2)])
def test_refused_orders(perm: Any) -> None:
    with pytest.raises(UserError, match="attribute perm"):
        graph_of(Transpose(perm), Tensor("x", (3, 4)))


def test_bits_are_refused() -> None:
    with pytest.raises(UserError, match="type b1"):
        graph_of(Transpose((1, 0)), Tensor("x", (3, 4), DType.B1))
