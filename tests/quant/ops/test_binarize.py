"""Thresholds: every type, one for all or one per channel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import Binarize
from tests.quant.machines import check_op, graph_of


def one(value: int) -> Binarize:
    return Binarize(np.array(value))


@pytest.mark.parametrize("dtype", [DType.S8, DType.S16, DType.S32])
@pytest.mark.parametrize("shape", [(1,), (45,), (33, 4), (3, 2, 5)])
def test_every_form(shape: tuple[int, ...], dtype: DType) -> None:
    x = Tensor("x", shape, dtype, 3 if dtype is DType.S8 else 0)
    rng = np.random.default_rng(1)
    for op in (one(dtype.high // 3), Binarize(rng.integers(dtype.low, dtype.high, shape[0], endpoint=True))):
        check_op(op, x)
        back = from_onnx(to_onnx(graph_of(op, x))).nodes[0].op
        assert isinstance(back, Binarize) and np.array_equal(back.threshold, op.threshold)


def test_equal_is_one() -> None:
    values = {"x": np.array([[-3, 4, 5, 6]], np.int16)}
    assert check_op(one(5), Tensor("x", (4,), DType.S16), values=values).tolist() == [[0, 0, 1, 1]]


def test_ends_of_int32() -> None:
    values = {"x": np.array([[-(2**31), 2**31 - 1]], np.int32)}
    x = Tensor("x", (2,), DType.S32)
    assert check_op(one(-(2**31)), x, values=values).tolist() == [[1, 1]]
    assert check_op(one(2**31 - 1), x, values=values).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("op", "x", "words"),
    [
        (one(0), Tensor("x", (4,), DType.B1), "input 'x' has type b1"),
        (
            Binarize(np.zeros(3, np.int64)),
            Tensor("x", (4, 3)),
            "threshold has shape (3,)\n  supported: one value, or (4",
        ),
        (Binarize(np.zeros((4, 3), np.int64)), Tensor("x", (4, 3)), "threshold has shape (4, 3)"),
        (one(2**31), Tensor("x", (4,)), "outside int32"),
        (one(-(2**31) - 1), Tensor("x", (4,)), "outside int32"),
    ],
)
def test_refusals(op: Binarize, x: Tensor, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(op, x)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda node: node.input.append("x"), "it has 3 inputs"),
        (lambda node: node.input.__setitem__(1, "x"), "input 'x' (threshold) is not a constant"),
    ],
)
def test_damaged_models(change: Any, words: str) -> None:
    model = to_onnx(graph_of(one(0), Tensor("x", (4,), DType.S32)))
    change(model.graph.node[0])
    with pytest.raises(UserError) as caught:
        from_onnx(model)
    assert words in str(caught.value)


def test_a_threshold_along_another_axis_is_refused() -> None:
    model = to_onnx(graph_of(Binarize(np.arange(4)), Tensor("x", (4, 4))))
    model.graph.initializer[0].dims[:] = [4]
    with pytest.raises(UserError, match="threshold has shape"):
        from_onnx(model)
