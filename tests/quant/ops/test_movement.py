"""Operators that only move data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import Concat, Pad, Reshape, Slice
from tests.quant.machines import check_op, graph_of

WIDE = [DType.S8, DType.S16, DType.S32]
END = (1 << 63) - 1


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize(
    ("shape", "target", "result"),
    [
        ((3, 4), (-1,), (12,)),
        ((2, 3, 5), (-1,), (30,)),
        ((30,), (2, -1), (2, 15)),
        ((6,), (1, 6, 1), (1, 6, 1)),
        ((1,), (1,), (1,)),
        ((4, 3), (3, 4), (3, 4)),
    ],
)
def test_reshape(shape: Any, target: Any, result: Any, dtype: DType) -> None:
    assert check_op(Reshape(target), Tensor("x", shape, dtype)).shape[1:] == result


@pytest.mark.parametrize("target", [(5,), (-1, -1), (0, 12), (1, 2, 3, 2), (), (-2, 6), (7, -1)])
def test_reshape_refusals(target: Any) -> None:
    with pytest.raises(UserError, match=r"does not fit|elements"):
        graph_of(Reshape(target), Tensor("x", (3, 4)))


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize(
    ("shapes", "axis"),
    [
        (((3,), (4,)), 0),
        (((1,),), 0),
        (((2, 5), (3, 5), (1, 5)), 0),
        (((2, 5), (2, 1)), 1),
        (((2, 3, 4), (2, 1, 4)), 1),
        (((2, 3, 4), (2, 3, 7)), 2),
    ],
)
def test_concat(shapes: Any, axis: int, dtype: DType) -> None:
    check_op(Concat(axis), *(Tensor(f"x{i}", shape, dtype, 4) for i, shape in enumerate(shapes)))


def test_concat_of_one_tensor_with_itself_and_its_scale() -> None:
    x = Tensor("x", (2, 3), scale=0.5)
    assert graph_of(Concat(0), x, Tensor("z", (2, 3), scale=0.5)).tensors["y"].scale == 0.5


@pytest.mark.parametrize(
    ("other", "axis", "words"),
    [
        (Tensor("z", (2, 4)), 0, "shapes (2, 3) and (2, 4)"),
        (Tensor("z", (2, 3, 1)), 0, "shapes (2, 3) and (2, 3, 1)"),
        (Tensor("z", (2, 3)), 2, "attribute axis is 3"),
        (Tensor("z", (2, 3), zero_point=1), 0, "inputs 'x' and 'z' differ in type, scale or zero point"),
        (Tensor("z", (2, 3), scale=0.1), 0, "differ"),
        (Tensor("z", (2, 3), DType.S16), 0, "differ"),
    ],
)
def test_concat_refusals(other: Tensor, axis: int, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(Concat(axis), Tensor("x", (2, 3)), other)
    assert words in str(caught.value)


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize(
    ("shape", "ranges", "result"),
    [
        ((7,), ((0, END, 1),), (7,)),
        ((7,), ((-1, END, 1),), (1,)),
        ((3, 9), ((0, 3, 1), (1, 8, 3)), (3, 3)),
        ((3, 9), ((1, 2, 1), (-4, -1, 2)), (1, 2)),
        ((2, 5, 6), ((0, END, 5), (4, 99, 1), (0, END, 2)), (1, 1, 3)),
    ],
)
def test_slice(shape: Any, ranges: Any, result: Any, dtype: DType) -> None:
    assert check_op(Slice(ranges), Tensor("x", shape, dtype)).shape[1:] == result


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        (((0, 3, 1),), "it slices 1 axes"),
        (((0, 3, 1), (5, 5, 1)), "is empty"),
        (((0, 3, 1), (0, 9, 0)), "steps are [1, 0]"),
        (((0, 3, 1), (8, 0, -1)), "steps are [1, -1]"),
    ],
)
def test_slice_refusals(ranges: Any, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(Slice(ranges), Tensor("x", (3, 9)))
    assert words in str(caught.value)


@pytest.mark.parametrize("z", [-128, 0, 127])
@pytest.mark.parametrize(
    ("shape", "pads"),
    [((1,), (9, 4)), ((5,), (0, 0)), ((3, 4), (1, 0, 2, 7)), ((2, 3, 1), (0, 1, 5, 1, 0, 3))],
)
def test_pad_writes_the_zero_point(shape: Any, pads: Any, z: int) -> None:
    check_op(Pad(pads), Tensor("x", shape, zero_point=z))


@pytest.mark.parametrize("pads", [(1,), (-1, 0), (1, 1, 1, 1)])
def test_pad_refusals(pads: Any) -> None:
    with pytest.raises(UserError, match="pads is"):
        graph_of(Pad(pads), Tensor("x", (5,)))


def test_tensors_beyond_2_gib_are_refused() -> None:
    with pytest.raises(UserError, match="2147483648 bytes"):
        graph_of(Pad((2**31 - 1, 0)), Tensor("x", (1,)))
    with pytest.raises(UserError, match="input 'x'"):
        graph_of(Pad((0, 0)), Tensor("x", (2**31,)))


def test_scale_is_kept() -> None:
    x = Tensor("x", (4,), scale=0.25, zero_point=3)
    for op in (Pad((1, 1)), Slice(((0, 2, 1),)), Reshape((2, 2))):
        y = graph_of(op, x).tensors["y"]
        assert (y.scale, y.zero_point) == (0.25, 3)
    assert np.prod(graph_of(Pad((1, 1)), x).tensors["y"].shape) == 6
