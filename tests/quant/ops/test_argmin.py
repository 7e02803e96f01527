"""Index of the smallest value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import ArgMin
from tests.quant.machines import check_op, graph_of


@pytest.mark.parametrize("dtype", [DType.S8, DType.S32])
@pytest.mark.parametrize(("shape", "axis"), [((1,), 0), ((9,), 0), ((3, 7), 0), ((3, 7), 1), ((2, 3, 5), 2)])
def test_every_axis(shape: Any, axis: int, dtype: DType) -> None:
    result = check_op(ArgMin(axis), Tensor("x", shape, dtype))
    assert result.dtype == np.int32 and result.shape[1 + axis] == 1


def test_ties_go_to_the_lowest_index() -> None:
    values = {"x": np.array([[3, -7, -7, 1], [2**31 - 1] * 4, [1, 1, -(2**31), 0]], np.int32)}
    assert check_op(ArgMin(0), Tensor("x", (4,), DType.S32), values=values).ravel().tolist() == [1, 0, 2]


@pytest.mark.parametrize("axis", [-1, 2])
def test_refused_axis(axis: int) -> None:
    with pytest.raises(UserError, match=f"attribute axis is {axis + 1}"):
        graph_of(ArgMin(axis), Tensor("x", (3, 4)))


def test_refused_type() -> None:
    with pytest.raises(UserError, match="input 'x' has type s16"):
        graph_of(ArgMin(0), Tensor("x", (3,), DType.S16))
