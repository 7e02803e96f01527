"""Layers on bits: every kind of output, padding worth nothing, ONNX and back, refusals, bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper, numpy_helper

from deploy.boards import load_board
from deploy.plan import make_plan
from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Graph, GraphBuilder, Tensor
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import BinaryConv, BinaryDense, Dense, Op, Threshold
from quant.requant import Requant
from tests.quant.binary_models import KINDS, SEEDS, binary_graph, conv, dense
from tests.quant.machines import check_op, graph_of

RNG = np.random.default_rng(5)
ZERO = np.zeros(2, np.int64)
BITS = np.ones((2, 4), bool)


def bit_tensor(*shape: int) -> Tensor:
    return Tensor("x", shape, DType.B1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (31, 2), (32, 33), (33, 5), (300, 3)])
def test_dense(inputs: int, outputs: int, kind: str) -> None:
    check_op(dense(RNG, inputs, outputs, kind), bit_tensor(inputs))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("shape", "kernel"), [((3, 7), (3,)), ((33, 5, 4), (2, 3)), ((1, 4, 4), (1, 1))])
def test_conv(shape: tuple[int, ...], kernel: tuple[int, ...], kind: str) -> None:
    check_op(conv(RNG, shape[0], 3, kernel, kind), bit_tensor(*shape))


def test_values() -> None:
    op = BinaryDense(np.array([[1, 1, 1], [0, 1, 0]], bool), np.array([0, 10]))
    assert check_op(op, bit_tensor(3), values={"x": np.array([[1, 1, 0]], bool)}).tolist() == [[1, 11]]


def test_padding_is_worth_nothing() -> None:
    op = BinaryConv(np.ones((1, 1, 3), bool), ZERO[:1], None, (1,), (1,), (1, 1))
    assert check_op(op, bit_tensor(1, 3), values={"x": np.array([[[0, 0, 1]]], bool)}).tolist() == [[[-2, -1, 0]]]


def test_a_sum_at_its_level_is_a_one() -> None:
    op = BinaryDense(np.ones((3, 2), bool), np.zeros(3, np.int64), Threshold(np.array([-1, 0, 1])))
    assert check_op(op, bit_tensor(2), values={"x": np.array([[1, 0]], bool)}).tolist() == [[1, 1, 0]]


@pytest.mark.parametrize("seed", SEEDS)
def test_written_and_read_back(seed: int) -> None:
    graph = binary_graph(seed)
    back = from_onnx(to_onnx(graph))
    for node, other in zip(graph.nodes, back.nodes, strict=True):
        assert isinstance(node.op, BinaryDense | BinaryConv) and type(other.op) is type(node.op)
        assert np.array_equal(node.op.weight, other.op.weight) and np.array_equal(node.op.bias, other.op.bias)
    assert to_onnx(back).SerializeToString(deterministic=True) == to_onnx(graph).SerializeToString(deterministic=True)


def scaled(channels: int) -> Requant:
    return Requant.of([1 << 30] * channels, [40] * channels, zero_point=0, lo=-128, hi=127)


def requant_of(a: int, s: int) -> Requant:
    return Requant.of([1] * 2, [s] * 2, a=[a] * 2, zero_point=0, lo=0, hi=1)


def convolution(weight: Any, pads: tuple[int, ...] = (0, 0)) -> BinaryConv:
    return BinaryConv(weight, ZERO, None, (1,), (1,), pads)


@pytest.mark.parametrize(
    ("op", "x", "words"),
    [
        (BinaryDense(BITS, ZERO), Tensor("x", (4,)), "input 'x' has type s8\n  supported: b1"),
        (BinaryDense(BITS, ZERO), bit_tensor(4, 1), "rank 2 without batch"),
        (BinaryDense(BITS, ZERO), bit_tensor(5), "weight (4, 2) does not fit an input of 5 bits"),
        (BinaryDense(np.full((2, 4), 2), ZERO), bit_tensor(4), "weights hold other values than bits"),
        (BinaryDense(BITS, np.zeros(3, np.int64)), bit_tensor(4), "bias has shape (3,)"),
        (BinaryDense(BITS, ZERO - 2**31 + 4), bit_tensor(4), "a sum can reach 2147483648, beyond int32"),
        (BinaryDense(BITS, ZERO, scaled(3)), bit_tensor(4), "requantization has 3 channels"),
        (BinaryDense(BITS, ZERO, requant_of(a=0, s=0)), bit_tensor(4), "s is outside"),
        (BinaryDense(BITS, ZERO, requant_of(a=1 << 62, s=1)), bit_tensor(4), "beyond 2^62"),
        (BinaryDense(BITS, ZERO, Threshold(np.zeros(3, np.int64))), bit_tensor(4), "levels have shape (3,)"),
        (BinaryDense(BITS, ZERO, Threshold(ZERO + 2**31)), bit_tensor(4), "a level does not fit int32"),
        (BinaryDense(BITS, ZERO + 1, Threshold(ZERO)), bit_tensor(4), "it has a bias beside its levels"),
        (convolution(np.ones((2, 4, 3), bool)), Tensor("x", (4, 5)), "input 'x' has type s8"),
        (convolution(np.ones((2, 4, 3), bool)), bit_tensor(3, 5), "does not fit an input of 3 channels"),
        (convolution(np.ones((2, 4, 3), bool)), bit_tensor(4, 2), "does not fit the padded input"),
        (convolution(np.ones((2, 4, 3), bool), (0,)), bit_tensor(4, 5), "attribute pads has 1 values"),
        (convolution(np.full((2, 4, 3), -1)), bit_tensor(4, 5), "weights hold other values than bits"),
    ],
)  # fmt: skip
def test_refusals(op: Op, x: Tensor, words: str) -> None:
    with pytest.raises(UserError, match="node 'y'") as caught:
        graph_of(op, x)
    assert words in str(caught.value)


def dense_model(kind: str = "s32") -> ModelProto:
    return to_onnx(graph_of(dense(RNG, 3, 2, kind), bit_tensor(3)))


def weights_of_two(model: ModelProto) -> None:
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((3, 2), 2, np.int8), "y.weight"))


def weights_of_rank_one(model: ModelProto) -> None:
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones(3, np.int8), "y.weight"))


def no_bias(model: ModelProto) -> None:
    model.graph.node[1].op_type = "Mul"


def third_input(model: ModelProto) -> None:
    model.graph.node[0].input.append("x")


def an_attribute(model: ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("group", 2))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (weights_of_two, "weights hold other values than -1 and 1"),
        (weights_of_rank_one, "weight has shape (3,)\n  supported: rank 2 (in, out)"),
        (no_bias, "goes elsewhere than to Add or GreaterOrEqual"),
        (third_input, "it has 3 inputs\n  supported: x, weight"),
        (an_attribute, "attribute group = 2 is not supported"),
    ],
)
def test_refused_files(spoil: Any, words: str) -> None:
    model = dense_model()
    spoil(model)
    with pytest.raises(UserError) as caught:
        from_onnx(model)
    assert words in str(caught.value)


def test_levels_on_the_wrong_side() -> None:
    model = dense_model("b1")
    compare = model.graph.node[1]
    compare.input[:] = reversed(compare.input)
    with pytest.raises(UserError, match="levels are compared with sums"):
        from_onnx(model)


def test_conv_files_are_checked() -> None:
    model = to_onnx(graph_of(conv(RNG, 2, 3, (3,), "s8"), bit_tensor(2, 5)))
    (shape,) = [a for a in model.graph.node[0].attribute if a.name == "kernel_shape"]
    shape.ints[:] = [2]
    with pytest.raises(UserError, match=r"attribute kernel_shape is \[2\], the weight's is \[3\]"):
        from_onnx(model)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((3, 2), np.int8), "y.weight"))
    with pytest.raises(UserError, match=r"weight has shape \(3, 2\)\n  supported: rank 3"):
        from_onnx(model)


def test_weights_and_macs() -> None:
    assert dense(RNG, 5, 3, "s8").weights == dense(RNG, 5, 3, "s8").macs(bit_tensor(5)) == 15
    op = BinaryConv(np.ones((2, 4, 3), bool), ZERO, None, (1,), (1,), (0, 0))
    assert op.weights == 24 and op.macs(bit_tensor(4, 10)) == 24 * 8


def layers(dtype: DType) -> Graph:
    """The same two layers on bits or on int8."""
    builder = GraphBuilder("stored")
    x = builder.input("x", (320,), dtype)
    rng = np.random.default_rng(0)
    if dtype is DType.B1:
        builder.output(
            builder.add("second", dense(rng, 64, 32, "s8"), builder.add("first", dense(rng, 320, 64, "b1"), x))
        )
        return builder.build()
    sizes = ((320, 64), (64, 32))
    ops = [Dense(rng.integers(-127, 128, (out, n)), np.zeros(out, np.int64), scaled(out)) for n, out in sizes]
    builder.output(builder.add("second", ops[1], builder.add("first", ops[0], x)))
    return builder.build()


@pytest.mark.parametrize("board", ["stm32l475", "host"])
def test_an_eighth_of_what_int8_takes(board: str) -> None:
    bits, octets = (make_plan(layers(dtype), load_board(board)) for dtype in (DType.B1, DType.S8))
    assert 8 * bits.weight_bytes == octets.weight_bytes == 320 * 64 + 64 * 32
    sizes = [{buffer.name: buffer.size for buffer in plan.arena.buffers} for plan in (bits, octets)]
    assert all(8 * sizes[0][name] == sizes[1][name] for name in ("x", "first"))
