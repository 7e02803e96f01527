"""A transpose that only names the axes anew costs nothing."""

from __future__ import annotations

import pytest

from deploy.boards import load_board
from deploy.layers import lower
from quant.dtypes import DType
from quant.graph import GraphBuilder
from quant.ops import Op, Requantize, Reshape, Transpose
from quant.requant import Requant

HALF = Requantize(Requant.from_real(0.5, zero_point=0, lo=-128, hi=127, dtype=DType.S16))


def names(*before: Op) -> list[str]:
    """The layers of a graph whose input, 3 rows of 4 values, becomes 4 channels at 3 positions."""
    builder = GraphBuilder("rows")
    x = builder.input("x", (3, 4), DType.S16)
    for number, op in enumerate(before):
        x = builder.add(f"before{number}", op, x)
    x = builder.add("columns", Transpose((1, 0)), x)
    builder.output(builder.add("y", HALF, x))
    return [layer.node.name for layer in lower(builder.build(), load_board("host")).layers]


@pytest.mark.parametrize("before", [(), (Reshape((12,)), Reshape((3, 4)))])
def test_rows_of_the_input_become_positions_where_they_lie(before: tuple[Op, ...]) -> None:
    assert names(*before)[0] == "y"


def test_other_transposes_copy() -> None:
    """What a kernel wrote lies channels-last."""
    assert "columns" in names(HALF)
