"""XOR with a key and of two tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quant import splitmix
from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import Bind, Op
from tests.quant.machines import check_op, graph_of

KEY = np.array([[1, 0], [1, 1], [0, 0]], bool)


@pytest.mark.parametrize("shape", [(1,), (40,), (33, 5), (7, 2, 3)])
def test_constant_key_and_two_tensors(shape: tuple[int, ...]) -> None:
    key = np.random.default_rng(1).integers(0, 2, shape).astype(bool)
    check_op(Bind(key), Tensor("x", shape, DType.B1))
    check_op(Bind(), Tensor("x", shape, DType.B1), Tensor("y0", shape, DType.B1))


@pytest.mark.parametrize("seed", [0, 1, 1 << 63, (1 << 64) - 1])
@pytest.mark.parametrize("shape", [(1,), (31,), (32,), (64,), (100,), (33, 5), (130, 2, 3)])
def test_key_of_a_seed(shape: tuple[int, ...], seed: int) -> None:
    """Every position's bits begin with a word of 64 bits of the stream."""
    x, values = Tensor("x", shape, DType.B1), np.zeros((1, *shape), bool)
    drawn = check_op(Bind(seed=seed), x, values={"x": values})[0].reshape(shape[0], -1)
    for position in range(drawn.shape[1]):
        first = position * -(-shape[0] // 64)
        assert np.array_equal(drawn[:, position], splitmix.bits(seed, first, shape[0]))
    back = from_onnx(to_onnx(graph_of(Bind(seed=seed), x))).nodes[0].op
    assert isinstance(back, Bind) and back.seed == seed


def test_key_survives_the_file() -> None:
    model = to_onnx(graph_of(Bind(KEY), Tensor("x", (3, 2), DType.B1)))
    model.graph.node[0].input[:] = reversed(model.graph.node[0].input)
    op = from_onnx(model).nodes[0].op
    assert isinstance(op, Bind) and op.key is not None and np.array_equal(op.key, KEY)


@pytest.mark.parametrize(
    ("names", "words"),
    [(["y.key", "y.key"], "both inputs are constants"), (["x"], "it has 1 inputs"), (["x", ""], "an input is missing")],
)
def test_refused_nodes(names: list[str], words: str) -> None:
    model = to_onnx(graph_of(Bind(KEY), Tensor("x", (3, 2), DType.B1)))
    model.graph.node[0].input[:] = names
    with pytest.raises(UserError, match=words):
        from_onnx(model)


def test_twice_is_nothing() -> None:
    values = {"x": np.array([[[0, 1], [1, 1], [0, 0]]], bool)}
    once = check_op(Bind(KEY), Tensor("x", (3, 2), DType.B1), values=values)
    assert once.tolist() == [[[1, 1], [0, 0], [0, 0]]]
    assert np.array_equal(check_op(Bind(KEY), Tensor("x", (3, 2), DType.B1), values={"x": once}), values["x"])


@pytest.mark.parametrize(
    ("op", "inputs", "words"),
    [
        (Bind(KEY), [Tensor("x", (2, 3), DType.B1)], "it binds shapes (2, 3) and (3, 2)"),
        (Bind(), [Tensor("x", (3,), DType.B1), Tensor("z", (3, 1), DType.B1)], "it binds shapes (3,) and (3, 1)"),
        (Bind(), [Tensor("x", (3,), DType.B1)], "it has 1 inputs"),
        (Bind(seed=-1), [Tensor("x", (3,), DType.B1)], "its seed is -1"),
        (Bind(seed=1 << 64), [Tensor("x", (3,), DType.B1)], "its seed is 18446744073709551616"),
        (Bind(KEY, 3), [Tensor("x", (3, 2), DType.B1)], "it has a key and a seed"),
        (Bind(KEY), [Tensor("x", (3, 2))], "input 'x' has type s8"),
        (Bind(KEY.astype(int) * 2), [Tensor("x", (3, 2), DType.B1)], "the key holds other values than bits"),
    ],
)
def test_refusals(op: Op, inputs: list[Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(op, *inputs)
    assert words in str(caught.value)
