"""Index of the largest value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import ArgMax
from tests.quant.machines import check_op, graph_of


@pytest.mark.parametrize(
    ("shape", "axis"), [((1,), 0), ((9,), 0), ((3, 7), 0), ((3, 7), 1), ((2, 3, 5), 0), ((2, 3, 5), 1), ((2, 3, 5), 2)]
)
def test_every_axis(shape: Any, axis: int) -> None:
    result = check_op(ArgMax(axis), Tensor("x", shape))
    assert result.dtype == np.int32 and result.shape[1 + axis] == 1


def test_ties_go_to_the_lowest_index() -> None:
    values = {"x": np.array([[3, 7, 7, 1], [-128] * 4, [0, 0, 1, 1]], np.int8)}
    assert check_op(ArgMax(0), Tensor("x", (4,)), values=values).ravel().tolist() == [1, 0, 2]


@pytest.mark.parametrize("axis", [-1, 2])
def test_refusals(axis: int) -> None:
    with pytest.raises(UserError, match=f"attribute axis is {axis + 1}"):
        graph_of(ArgMax(axis), Tensor("x", (3, 4)))
