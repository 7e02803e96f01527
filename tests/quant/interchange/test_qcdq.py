"""QCDQ models give integer graphs that compute what the models say, evaluated in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from quant.graph import Graph
from quant.interchange.qcdq import from_qcdq
from quant.ops import Conv
from quant.reference import run
from tests.quant.interchange.qdq import UNSIGNED, Sheet, evaluate

RNG = np.random.default_rng(5)
I8 = np.int8


def ints(*shape: int) -> NDArray:
    return RNG.integers(-127, 128, shape)


def check(model: ModelProto, batch: int = 6) -> Graph:
    """Import ``model``, compare its outputs with the float64 evaluation, and return the graph."""
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model, strict_mode=True))
    graph = from_qcdq(model)
    (x,), (output,) = graph.inputs, model.graph.output
    q = RNG.integers(-128, 128, (batch, *x.shape))
    q[0], q[1] = -128, 127
    assert x.scale is not None
    floats = model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    dtype = UNSIGNED if model.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8 else I8
    stored = q + (128 if dtype is UNSIGNED else 0)
    real = (q - x.zero_point) * x.scale if floats else stored.astype(dtype)
    expected = evaluate(model, real)[output.name]
    y = graph.outputs[0]
    found = run(graph, {x.name: q})[y.name].astype(float)
    if y.scale is not None:
        found = (found - y.zero_point) * y.scale
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)
    return graph


def conv(s: Sheet, x: str, shape: tuple[int, ...], bias: bool = True, x_scale: float = 0.02, **attributes: Any) -> str:
    """A convolution whose results are of the order of 1."""
    steps = RNG.uniform(0.5, 1.5, shape[0]) / (1.5 * 74 * np.sqrt(np.prod(shape[1:])))
    operands = [x, s.weight(ints(*shape), steps)]
    if bias:
        operands.append(s.bias(RNG.integers(-9000, 9000, shape[0]), x_scale, steps))
    return s.node("Conv", *operands, **attributes)


def dense(s: Sheet, x: str, out: int, inputs: int, x_scale: float = 0.02) -> str:
    steps = RNG.uniform(0.5, 1.5, out) / (1.5 * 74 * np.sqrt(inputs))
    bias = s.bias(RNG.integers(-9000, 9000, out), x_scale, steps)
    return s.node("Gemm", x, s.weight(ints(out, inputs), steps), bias, transB=1)


def kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes]


@pytest.mark.parametrize(
    ("shape", "weight", "attributes"),
    [
        ((3, 11), (4, 3, 3), {"pads": [1, 1]}),
        ((3, 11), (5, 3, 2), {"pads": [4, 0], "dilations": [4], "strides": [2]}),
        ((4, 7), (8, 1, 3), {"group": 4}),
        ((2, 5, 6), (3, 2, 3, 2), {"pads": [1, 0, 2, 3], "strides": [1, 2]}),
        ((6, 4, 4), (4, 3, 1, 1), {"group": 2, "kernel_shape": [1, 1]}),
    ],
)
@pytest.mark.parametrize("bias", [True, False])
def test_convolution(shape: Any, weight: Any, attributes: Any, bias: bool) -> None:
    s = Sheet(*shape)
    y = conv(s, s.qdq("x", 0.02), weight, bias, **attributes)
    graph = check(s.model(s.qdq(y, 0.03, dtype=I8)))
    assert kinds(graph) == ["conv"] and graph.nodes[0].op.requant.channels == weight[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("dtype", "zero"), [(UNSIGNED, 0), (UNSIGNED, 7), (UNSIGNED, 255), (I8, 0), (I8, -128), (I8, 33)]
)
def test_types_and_zero_points_of_activations(dtype: Any, zero: int) -> None:
    s = Sheet(3, 9)
    y = conv(s, s.qdq("x", 0.02, zero, dtype), (4, 3, 3), pads=[2, 1])
    graph = check(s.model(s.qdq(y, 0.03, zero, dtype)))
    expected = zero - (128 if dtype is UNSIGNED else 0)
    assert {t.zero_point for t in graph.tensors.values()} == {expected}


def test_relu_is_the_lower_clip() -> None:
    for dtype, zero, lo in ((UNSIGNED, 0, -128), (I8, 0, 0), (I8, -20, -20), (UNSIGNED, 100, -28)):
        s = Sheet(3, 9)
        y = s.node("Relu", conv(s, s.qdq("x", 0.02), (4, 3, 3)))
        graph = check(s.model(s.qdq(y, 0.03, zero, dtype)))
        assert kinds(graph) == ["conv"] and graph.nodes[0].op.requant.lo == lo  # type: ignore[attr-defined]


def test_clips_between_reals_and_between_integers() -> None:
    s = Sheet(3, 9)
    y = s.node(
        "Clip", conv(s, s.qdq("x", 0.02), (4, 3, 3)), s.constant(-0.41, np.float32), s.constant(0.77, np.float32)
    )
    graph = check(s.model(s.qdq(y, 0.03, 4, I8)))
    op = graph.nodes[0].op
    assert isinstance(op, Conv) and (op.requant.lo, op.requant.hi) == (4 - 14, 4 + 26)
    s = Sheet(3, 9)
    y = conv(s, s.qdq("x", 0.02), (4, 3, 3))
    op = check(s.model(s.qdq(y, 0.03, dtype=I8, clip=(-7, 0)))).nodes[0].op
    assert isinstance(op, Conv) and (op.requant.lo, op.requant.hi) == (-7, 0)


def test_narrow_input_is_clipped_by_a_node() -> None:
    s = Sheet(5)
    x = s.qdq("x", 0.02, dtype=I8, clip=(-7, 7))
    graph = check(s.model(s.qdq(dense(s, x, 3, 5), 0.03, dtype=I8)))
    assert [node.name for node in graph.nodes] == ["x/clip", graph.nodes[1].name]


@pytest.mark.parametrize("form", ["Gemm", "Gemm transposed", "MatMul", "MatMul of Transpose", "MatMul and Add"])
def test_dense_forms(form: str) -> None:
    s = Sheet(13)
    x, w, steps = s.qdq("x", 0.02), ints(4, 13), RNG.uniform(1, 2, 4) * 0.002
    bias = s.bias(RNG.integers(-9000, 9000, 4), 0.02, steps)
    if form == "Gemm":
        y = s.node("Gemm", x, s.weight(w.T, steps, axis=1), bias)
    elif form == "Gemm transposed":
        y = s.node("Gemm", x, s.weight(w, steps), bias, transB=1, alpha=1.0, beta=1.0)
    elif form == "MatMul of Transpose":
        y = s.node("MatMul", x, s.node("Transpose", s.weight(w, steps), perm=[1, 0]))
    else:
        y = s.node("MatMul", x, s.weight(w.T, steps, axis=1), name="layer")
        y = s.node("Add", bias, y) if form == "MatMul and Add" else y
    graph = check(s.model(s.qdq(y, 0.3)))
    assert kinds(graph) == ["dense"] and np.array_equal(graph.nodes[0].op.weight, w)  # type: ignore[attr-defined]


def test_convolution_takes_the_bias_of_an_add() -> None:
    s = Sheet(2, 6)
    steps = RNG.uniform(1, 2, 4) * 0.003
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(ints(4, 2, 3), steps))
    column = s.weight(
        np.array([[500], [-7000], [9000], [-9]]), np.float32(0.02) * steps.astype(np.float32), dtype=np.int32
    )
    graph = check(s.model(s.qdq(s.node("Add", y, column), 0.03, dtype=I8)))
    assert graph.nodes[0].op.bias.tolist() == [500, -7000, 9000, -9]  # type: ignore[attr-defined]


def test_one_weight_scale_for_all_channels() -> None:
    s = Sheet(3, 9)
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(ints(4, 3, 3), 0.004), s.bias(ints(4) * 50, 0.02, 0.004))
    assert check(s.model(s.qdq(y, 0.03))).nodes[0].op.requant.channels is None  # type: ignore[attr-defined]


def test_float_biases_are_taken_when_they_are_whole_steps() -> None:
    s = Sheet(5)
    w, steps = s.weight(ints(3, 5), [2.0**-7, 2.0**-8, 2.0**-9]), 2.0 ** -np.array([12.0, 13, 14])
    bias = s.constant(np.array([100, -7, 0]) * steps, np.float32)
    graph = check(s.model(s.qdq(s.node("Gemm", s.qdq("x", 2.0**-5), w, bias, transB=1), 2.0**-4, dtype=I8)))
    assert graph.nodes[0].op.bias.tolist() == [100, -7, 0]  # type: ignore[attr-defined]


def test_weights_quantized_in_the_file_are_folded() -> None:
    """Brevitas can export float weights with their quantizer: QuantizeLinear, Clip, DequantizeLinear of a constant."""
    s = Sheet(5)
    w, scale, zero = ints(3, 5), s.constant([0.01, 0.02, 0.03], np.float32), s.constant([0, 0, 0], I8)
    real = s.constant(w * np.array([[0.01], [0.02], [0.03]]), np.float32)
    q = s.node("QuantizeLinear", real, scale, zero, axis=0)
    q = s.node("Clip", q, s.constant(-127, I8), s.constant(127, I8))
    graph = check(
        s.model(
            s.qdq(s.node("Gemm", s.qdq("x", 0.02), s.node("DequantizeLinear", q, scale, zero, axis=0), transB=1), 0.3)
        )
    )
    assert np.array_equal(graph.nodes[0].op.weight, w)  # type: ignore[attr-defined]


def test_residual_add_with_relu_and_different_scales() -> None:
    s = Sheet(3, 9)
    x = s.qdq("x", 0.02)
    y = s.qdq(s.node("Relu", conv(s, x, (3, 3, 3), pads=[2, 0])), 0.031)
    z = s.qdq(conv(s, x, (3, 3, 1)), 0.017, dtype=I8)
    graph = check(s.model(s.qdq(s.node("Relu", s.node("Add", y, z, name="sum")), 0.04)))
    assert kinds(graph) == ["conv", "conv", "add"] and graph.nodes[-1].name == "sum"


def test_equal_layers_behind_one_result_are_one() -> None:
    """0..255 cannot tell a ReLU from none."""
    s = Sheet(3, 9)
    y = conv(s, s.qdq("x", 0.02), (3, 3, 3))
    z = s.node("Add", s.qdq(y, 0.03), s.qdq(s.node("Relu", y), 0.03))
    assert kinds(check(s.model(s.qdq(z, 0.04)))) == ["conv", "add"]


def test_a_quantized_tensor_may_feed_many() -> None:
    s = Sheet(3, 9)
    x = s.qdq("x", 0.02)
    assert kinds(check(s.model(s.qdq(s.node("Add", x, x), 0.031)))) == ["add"]


@pytest.mark.parametrize("pads", [[0, 0], [1, 0]])
def test_average_pool(pads: list[int]) -> None:
    s = Sheet(3, 9)
    y = s.node("AveragePool", s.qdq("x", 0.02, 9), kernel_shape=[3], strides=[2], pads=pads, count_include_pad=1)
    assert kinds(check(s.model(s.qdq(y, 0.013)))) == ["average_pool"]


def test_global_average_pool() -> None:
    s = Sheet(3, 5, 7)
    y = s.node("Flatten", s.node("GlobalAveragePool", s.qdq("x", 0.02)))
    assert kinds(check(s.model(s.qdq(y, 0.013)))) == ["average_pool", "reshape"]


@pytest.mark.parametrize("where", ["stored", "before the quantizer", "before ReLU"])
def test_max_pool_and_movement_commute_with_quantizers(where: str) -> None:
    s = Sheet(3, 9)
    y = conv(s, s.qdq("x", 0.02), (4, 3, 3))
    if where == "stored":
        y = s.qdq(y, 0.03, 5, I8)
    y = s.node("MaxPool", y, kernel_shape=[3], strides=[2], pads=[1, 1])
    y = s.node("Relu", y) if where == "before ReLU" else y
    y = s.node("Flatten", y, axis=1)
    graph = check(s.model(y if where == "stored" else s.qdq(y, 0.03, 5, I8)))
    assert kinds(graph) == ["conv", "max_pool", "reshape"]


def test_equal_quantizers_in_a_row_add_nothing() -> None:
    s = Sheet(3, 9)
    y = s.qdq(s.node("MaxPool", s.qdq("x", 0.02), kernel_shape=[2]), 0.02)
    assert kinds(check(s.model(y))) == ["max_pool"]


def test_another_scale_is_a_requantization() -> None:
    s = Sheet(3, 9)
    y = s.qdq(s.node("Relu", s.qdq("x", 0.02, dtype=I8)), 0.017, 3, I8)
    assert kinds(check(s.model(y))) == ["requantize"]


@pytest.mark.parametrize(
    ("op_type", "attributes"),
    [
        ("Elu", {}),
        ("Elu", {"alpha": 0.5}),
        ("Tanh", {}),
        ("Sigmoid", {}),
        ("LeakyRelu", {}),
        ("LeakyRelu", {"alpha": 0.2}),
    ],
)
def test_functions_become_tables(op_type: str, attributes: Any) -> None:
    s = Sheet(3, 90)
    y = s.node(op_type, s.qdq("x", 0.031, -3, I8), **attributes)
    assert kinds(check(s.model(s.qdq(y, 0.0123, 10, I8)))) == ["table"]


def test_pad_joins_the_convolution_behind_it() -> None:
    """The way torch writes it: the amounts are computed from constants."""
    s = Sheet(3, 9)
    amounts = s.node(
        "ConstantOfShape", s.constant([4], np.int64), value=onnx.numpy_helper.from_array(np.zeros(1, np.int64))
    )
    amounts = s.node("Concat", s.constant([5, 1], np.int64), amounts, axis=0)
    amounts = s.node("Reshape", amounts, s.constant([-1, 2], np.int64))
    ends = [s.constant([v], np.int64) for v in (-1, -(2**63) + 1, 0, -1)]
    amounts = s.node("Slice", amounts, ends[0], ends[1], ends[2], ends[3])
    amounts = s.node("Reshape", s.node("Transpose", amounts, perm=[1, 0]), s.constant([-1], np.int64))
    x = s.qdq("x", 0.02)
    padded = s.node("Pad", x, s.node("Cast", amounts, to=TensorProto.INT64), mode="constant")
    graph = from_qcdq(s.model(s.qdq(conv(s, padded, (4, 3, 3), dilations=[2], pads=[1, 2]), 0.03)))
    assert kinds(graph) == ["conv"] and graph.nodes[0].op.pads == (5 + 1, 1 + 2)  # type: ignore[attr-defined]


def test_pad_in_front_of_anything_else_is_a_node() -> None:
    s = Sheet(3, 9)
    padded = s.node("Pad", s.qdq("x", 0.02, 9), s.constant([0, 0, 2, 0, 1, 3], np.int64), mode="constant")
    y = s.node("MaxPool", padded, kernel_shape=[2], name="pool")
    graph = check(s.model(s.qdq(s.node("Add", padded, padded), 0.03)))
    assert kinds(graph) == ["pad", "add"]
    assert kinds(check(s.model(y))) == ["pad", "max_pool"]
    assert kinds(check(s.model(padded))) == ["pad"]


@pytest.mark.parametrize("common", [True, False])
def test_concat(common: bool) -> None:
    s = Sheet(3, 9)
    x = s.qdq("x", 0.02)
    y = s.qdq(conv(s, x, (4, 3, 1)), 0.02 if common else 0.031)
    z = s.node("Concat", x, y, axis=1)
    graph = check(s.model(s.qdq(z, 0.02)))
    assert kinds(graph) == (["conv", "concat"] if common else ["conv", "requantize", "concat"])


def test_concat_in_front_of_the_quantizer() -> None:
    s = Sheet(3, 9)
    x = s.qdq("x", 0.02)
    z = s.node("Concat", conv(s, x, (4, 3, 1)), conv(s, x, (2, 3, 3), pads=[1, 1]), axis=1)
    assert kinds(check(s.model(s.qdq(s.node("Relu", z), 0.02)))) == ["conv", "conv", "concat"]


def test_slice_reshape_squeeze_and_identity() -> None:
    s = Sheet(3, 1, 9)
    x = s.node("Dropout", s.node("Identity", s.qdq("x", 0.02)))
    vectors = ([0, 1], [3, 9], [1, 3], [2, 3])
    y = s.node("Slice", x, *(s.constant(v, np.int64) for v in vectors))
    y = s.node("Squeeze", y, s.constant([2], np.int64))
    y = s.node("Unsqueeze", y, s.constant([-1], np.int64))
    y = s.node("Reshape", y, s.constant([1, -1], np.int64))
    assert check(s.model(y)).outputs[0].shape == (6,)


def test_argmax_ends_a_model() -> None:
    s = Sheet(5)
    y = s.qdq(dense(s, s.qdq("x", 0.02), 4, 5), 0.01, dtype=I8)
    y = s.node("Cast", s.node("ArgMax", y, axis=1, keepdims=1), to=TensorProto.INT32)
    assert kinds(check(s.model(y, element=TensorProto.INT32))) == ["dense", "argmax"]


@pytest.mark.parametrize(("element", "dtype"), [(TensorProto.UINT8, UNSIGNED), (TensorProto.INT8, I8)])
def test_integer_inputs(element: int, dtype: Any) -> None:
    s = Sheet(5, element=element)
    x = s.node("DequantizeLinear", "x", s.constant(0.02, np.float32), s.constant(3, dtype))
    check(s.model(s.qdq(dense(s, x, 4, 5), 0.01)))


def test_integer_outputs() -> None:
    s = Sheet(5)
    s.qdq(dense(s, s.qdq("x", 0.02), 4, 5), 0.01, dtype=I8)
    graph = from_qcdq(s.model(s.nodes[-2].output[0]))
    assert kinds(graph) == ["dense"] and graph.outputs[0].shape == (4,)


def test_nodes_may_come_in_any_order_and_dead_ones_vanish() -> None:
    s = Sheet(5)
    y = s.qdq(dense(s, s.qdq("x", 0.02), 4, 5), 0.01, dtype=I8)
    s.node("Softmax", "x")
    model = s.model(y)
    first = from_qcdq(model)
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    assert [n.name for n in from_qcdq(model).nodes] == [n.name for n in first.nodes]


def test_outputs_that_are_constants_are_left_out() -> None:
    s = Sheet(5)
    y = s.qdq("x", 0.02)
    assert len(from_qcdq(s.model(y, s.constant(1.0, np.float32))).outputs) == 1


def test_torch_names_become_layer_names() -> None:
    s = Sheet(3, 9)
    y = s.qdq("x", 0.02)
    for name in ("/b1/conv/Conv", "/Conv", "/b1/conv/Conv_1", "b2.conv", "b2.conv"):
        y = s.qdq(conv(s, y, (3, 3, 1)), 0.02)
        s.nodes[-3].name = name
    names = [node.name for node in from_qcdq(s.model(y)).nodes]
    assert names == ["b1/conv", "Conv", "b1/conv/Conv_1", "b2.conv", "b2.conv_2"]


def test_metadata_travels() -> None:
    s = Sheet(5)
    graph = from_qcdq(s.model(s.qdq(dense(s, s.qdq("x", 0.02), 4, 5), 0.01), name="tiny", info='{"classes": ["a"]}'))
    assert graph.name == "tiny" and graph.info == {"classes": ["a"]}


def halving(zero: int = 0) -> Sheet:
    """Sums of two equal scales at twice the scale: every odd sum is a tie."""
    s = Sheet(5)
    x = s.qdq("x", 0.5, zero, I8)
    s.qdq(s.node("Add", x, x), 2.0, zero, I8)
    return s


def test_half_up_models_may_meet_ties() -> None:
    s = halving()
    check(s.model(s.nodes[-1].output[0]))


def test_functions_follow_the_model_s_rounding() -> None:
    tables = []
    for rounding in ("half_up", "half_even"):
        s = Sheet(256)
        y = s.qdq(s.node("LeakyRelu", s.qdq("x", 1.0, dtype=I8), alpha=1.0), 2.0, dtype=I8)
        tables.append(from_qcdq(s.model(y, rounding=rounding)).nodes[0].op.table)  # type: ignore[attr-defined]
    assert tables[0][[127, 129, 131]].tolist() == [0, 1, 2] and tables[1][[127, 129, 131]].tolist() == [0, 0, 2]


def test_scales_without_ties_need_no_rounding_mode() -> None:
    s = Sheet(3, 9)
    y = s.qdq(conv(s, s.qdq("x", 0.02), (4, 3, 3)), 0.03)
    model = s.model(y)
    up = from_qcdq(model)
    del model.metadata_props[:]
    assert np.array_equal(from_qcdq(model).nodes[0].op.requant.m, up.nodes[0].op.requant.m)  # type: ignore[attr-defined]
