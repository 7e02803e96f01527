"""QCDQ models without exact integer form: what is refused, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from quant.errors import Problem, UserError
from quant.interchange.qcdq import from_qcdq
from tests.quant.interchange.qdq import Sheet

RNG = np.random.default_rng(8)
I8, U8, F = np.int8, np.uint8, np.float32


def problems(model: ModelProto) -> list[Problem]:
    with pytest.raises(UserError) as caught:
        from_qcdq(model)
    return caught.value.problems


def one(model: ModelProto) -> Problem:
    (problem,) = problems(model)
    return problem


def ints(*shape: int) -> np.ndarray:
    return RNG.integers(-127, 128, shape)


def convolution(s: Sheet, x: str, **attributes: Any) -> str:
    return s.node("Conv", x, s.weight(ints(4, 3, 3), [0.001] * 4), name="conv", **attributes)


@pytest.mark.parametrize(
    ("op_type", "hint"),
    [
        ("Softmax", "argmax"),
        ("BatchNormalization", "merge batch norm"),
        ("ReduceMean", "GlobalAveragePool"),
        ("Mul", "supported operators"),
        ("Transpose", "order of axes"),
        ("LSTM", "supported operators"),
    ],
)
def test_operators(op_type: str, hint: str) -> None:
    s = Sheet(3, 9)
    problem = one(s.model(s.qdq(s.node(op_type, s.qdq("x", 0.02), name="odd"), 0.03)))
    assert f"{op_type} is not supported" in problem.what and problem.where == f"node 'odd' ({op_type})"
    assert problem.supported and hint in problem.fix


@pytest.mark.parametrize(
    ("op_type", "attributes", "words"),
    [
        ("Conv", {"auto_pad": "SAME_UPPER"}, "attribute auto_pad = SAME_UPPER"),
        ("Conv", {"strides": [0]}, "attribute strides is [0]"),
        ("Conv", {"group": 2}, "attribute group is 2"),
        ("Conv", {"kernel_shape": [4]}, "attribute kernel_shape is [4]"),
        ("Conv", {"pads": [0, 1, 2]}, "attribute pads has 3 values"),
        ("MaxPool", {"kernel_shape": [2], "ceil_mode": 1}, "attribute ceil_mode = 1"),
        ("MaxPool", {"kernel_shape": [2], "dilations": [2]}, "attribute dilations = [2]"),
        ("AveragePool", {"kernel_shape": [2], "ceil_mode": 1}, "attribute ceil_mode = 1"),
        ("AveragePool", {"kernel_shape": [2], "pads": [1, 0]}, "count_include_pad = 0 with padding"),
        ("AveragePool", {}, "attribute kernel_shape is []"),
        ("AveragePool", {"kernel_shape": [2], "auto_pad": "VALID"}, "attribute auto_pad = VALID"),
        ("Flatten", {"axis": 2}, "attribute axis = 2"),
        ("Elu", {"alpha": 2}, "attribute alpha = 2"),
        ("ArgMax", {"axis": 1, "keepdims": 0}, "attribute keepdims = 0"),
        ("ArgMax", {"axis": 0}, "attribute axis is 0, the batch"),
    ],
)
def test_attributes(op_type: str, attributes: Any, words: str) -> None:
    s = Sheet(3, 9)
    x = s.qdq("x", 0.02)
    y = convolution(s, x, **attributes) if op_type == "Conv" else s.node(op_type, x, name="odd", **attributes)
    problem = one(s.model(y if op_type == "ArgMax" else s.qdq(y, 0.03)))
    assert words in problem.what and problem.supported and problem.where.startswith("node ")


@pytest.mark.parametrize("attributes", [{"alpha": 0.5}, {"beta": 2.0}, {"transA": 1}])
def test_gemm_attributes(attributes: Any) -> None:
    s = Sheet(5)
    y = s.node("Gemm", s.qdq("x", 0.02), s.weight(ints(5, 4), 0.01), **attributes)
    assert f"attribute {next(iter(attributes))} = " in one(s.model(s.qdq(y, 0.03))).what


@pytest.mark.parametrize("scale", [np.nan, np.inf, -np.inf, 0.0, -0.02])
@pytest.mark.parametrize("place", ["input", "weight", "output"])
def test_scales_that_are_no_positive_numbers(scale: float, place: str) -> None:
    s = Sheet(3, 9)
    steps = [0.001, scale, 0.001, 0.001] if place == "weight" else [0.001] * 4
    x = s.qdq("x", scale if place == "input" else 0.02)
    y = s.node("Conv", x, s.weight(ints(4, 3, 3), steps), name="conv")
    problem = one(s.model(s.qdq(y, scale if place == "output" else 0.03)))
    assert f"scale holds {np.array([scale], F)}" in problem.what and "Linear" in problem.where
    assert problem.supported == "finite positive numbers" and "calibration" in problem.fix


def test_quotients_of_scales_out_of_range() -> None:
    for scales in ((1e20, 1e-20), (1e-20, 1e20)):
        s = Sheet(3, 9)
        problem = one(s.model(s.qdq(convolution(s, s.qdq("x", scales[0])), scales[1])))
        assert "requantization factor" in problem.what and problem.where == "node 'conv' (Conv)" and problem.fix


@pytest.mark.parametrize(
    ("dtype", "values", "words"),
    [
        (U8, np.zeros((4, 3, 3)), "constant of type uint8"),
        (np.int16, np.zeros((4, 3, 3)), "constant of type int16"),
        (np.int32, np.zeros((4, 3, 3)), "is not a quantized constant"),
        (I8, np.full((4, 3, 3), -128), "a weight is -128"),
        (I8, np.zeros((4, 3)), "weight has shape (4, 3)"),
        (I8, np.zeros((4, 2, 3)), "3 input channels and weight (4, 2, 3)"),
    ],
)
def test_weights(dtype: Any, values: np.ndarray, words: str) -> None:
    s = Sheet(3, 9)
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(values, [0.001] * 4, dtype=dtype), name="conv")
    problem = one(s.model(s.qdq(y, 0.03)))
    assert words in problem.what and (problem.supported or problem.fix)


def test_weights_with_zero_points() -> None:
    s = Sheet(3, 9)
    y = convolution(s, s.qdq("x", 0.02))
    s.constants[s.nodes[-2].input[2]] = np.array([0, 1, 0, 0], I8)
    problem = one(s.model(s.qdq(y, 0.03)))
    assert "zero point other than 0" in problem.what and "symmetrically" in problem.fix


def test_float_weights() -> None:
    s = Sheet(3, 9)
    y = s.node("Conv", s.qdq("x", 0.02), s.constant(np.zeros((4, 3, 3)), F), name="conv")
    problem = one(s.model(s.qdq(y, 0.03)))
    assert "is not a quantized constant" in problem.what and "quantize the weights" in problem.fix


def test_weights_scaled_along_inputs() -> None:
    s = Sheet(3, 9)
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(ints(4, 3, 3), [0.1, 0.2, 0.3], axis=1))
    assert "3 scales along axis 1" in one(s.model(s.qdq(y, 0.03))).what
    s = Sheet(3, 9)
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(ints(4, 3, 3), [0.1, 0.2], axis=0))
    assert "scales of shape (2,) along axis 0" in one(s.model(s.qdq(y, 0.03))).what


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([0.1, 0.2, 0.3, 0.4]), "not a whole number of input scale times weight scale"),
        (np.array([0.1, np.nan, 0.0, 0.0]), "NaN or infinity"),
        (np.array([0.1, np.inf, 0.0, 0.0]), "NaN or infinity"),
        (np.zeros(3), "its bias has 3 values"),
    ],
)
def test_float_biases(values: np.ndarray, words: str) -> None:
    s = Sheet(3, 9)
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(ints(4, 3, 3), [0.001] * 4), s.constant(values, F), name="conv")
    problem = one(s.model(s.qdq(y, 0.03)))
    assert words in problem.what and problem.where == "node 'conv' (Conv)"


def test_biases_at_another_scale() -> None:
    s = Sheet(3, 9)
    bias = s.weight(np.array([1, 2, 3, 4]), [0.7] * 4, dtype=np.int32)
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(ints(4, 3, 3), [0.001] * 4), bias)
    problem = one(s.model(s.qdq(y, 0.03)))
    assert "not a whole number" in problem.what and "Int32Bias" in problem.fix


def test_bias_added_along_another_axis() -> None:
    s = Sheet(3, 6)
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(ints(4, 3, 3), [0.001] * 4), name="conv")
    y = s.node("Add", y, s.bias(np.arange(4), 0.02, 0.001), name="add")
    problem = one(s.model(s.qdq(y, 0.03)))
    assert "it adds a constant of shape (4,)" in problem.what and "(4, 1)" in problem.supported


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.node("Conv", "x", s.weight(ints(4, 3, 3), 0.1), name="odd"), "input 'x' is not quantized"),
        (lambda s: s.node("Add", s.qdq("x", 0.02), convolution(s, s.qdq("x", 0.02)), name="odd"), "is not quantized"),
        (lambda s: s.node("Tanh", convolution(s, s.qdq("x", 0.02)), name="odd"), "is not quantized"),
        (lambda s: s.node("Add", s.qdq("x", 0.02), s.constant(0.5, F), name="odd"), "is a constant"),
        (lambda s: s.node("Conv", s.qdq("x", 0.02), s.qdq("x", 0.02), name="odd"), "is not a quantized constant"),
        (lambda s: s.node("Conv", s.qdq("x", 0.02), name="odd"), "weight '' is not a quantized constant"),
        (lambda s: s.node("Add", s.qdq("x", 0.02), name="odd"), "it has 1 inputs"),
        (lambda s: s.node("Relu", "ghost", name="odd"), "input 'ghost' is not produced"),
    ],
)
def test_operands(change: Callable[[Sheet], str], words: str) -> None:
    s = Sheet(3, 9)
    problem = one(s.model(s.qdq(change(s), 0.03)))
    assert words in problem.what and "'odd'" in problem.where and (problem.supported or problem.fix)


def test_outputs_must_be_quantized() -> None:
    s = Sheet(3, 9)
    problem = one(s.model(convolution(s, s.qdq("x", 0.02))))
    assert str(problem).startswith("output 'conv_out': it is not quantized") and "output quantizer" in problem.fix


def test_outputs_must_exist() -> None:
    s = Sheet(3, 9)
    s.qdq("x", 0.02)
    assert one(s.model("ghost")).where == "output 'ghost'"


def test_one_result_with_two_quantizers() -> None:
    s = Sheet(3, 9)
    y = convolution(s, s.qdq("x", 0.02))
    problem = one(s.model(s.qdq(y, 0.03, 9), s.qdq(s.node("Relu", y), 0.03, 9)))
    assert "quantized in more than one way" in problem.what and problem.where == "node 'conv' (Conv)"
    s = Sheet(3)
    problem = one(s.model(s.qdq("x", 0.02), s.qdq("x", 0.03)))
    assert "an input is quantized in more than one way" in problem.what


def test_dequantizer_of_another_scale() -> None:
    s = Sheet(3)
    q = s.node("QuantizeLinear", "x", s.constant(0.02, F), s.constant(0, U8))
    y = s.node("DequantizeLinear", q, s.constant(0.03, F), s.constant(0, U8))
    assert "is not that of the QuantizeLinear before it" in one(s.model(y)).what


def test_activations_per_channel_or_of_16_bits() -> None:
    s = Sheet(3)
    parameters = s.constant([0.02] * 3, F), s.constant([0] * 3, U8)
    y = s.node("DequantizeLinear", s.node("QuantizeLinear", "x", *parameters), *parameters)
    problem = one(s.model(y))
    assert "it has 3 scales and 3 zero points" in problem.what and "per tensor" in problem.fix
    s = Sheet(3)
    problem = one(s.model(s.qdq("x", 0.02, dtype=np.int16)))
    assert "zero point has type int16" in problem.what and problem.supported == "int8, uint8"


def test_pads() -> None:
    for pads, value, words in (
        ([0, 0, 1, 0, 0, 0], 1.0, "it pads with another value than 0"),
        ([1, 0, 0, 0, 0, 0], 0.0, "pad the batch"),
        ([0, 0, -1, 0, 0, 0], 0.0, "pads is [0, 0, -1"),
        ([0, 1, 1, 0, 0, 0], 0.0, "zeros around the spatial axes only"),
    ):
        s = Sheet(3, 9)
        padded = s.node("Pad", s.qdq("x", 0.02), s.constant(pads, np.int64), s.constant(value, F))
        problem = one(s.model(s.qdq(convolution(s, padded), 0.03)))
        assert words in problem.what + problem.supported
    s = Sheet(3, 9)
    padded = s.node("Pad", s.qdq("x", 0.02), s.constant([0, 0, 1, 0, 0, 0], np.int64), mode="reflect")
    assert "attribute mode = reflect" in one(s.model(s.qdq(convolution(s, padded), 0.03))).what


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ([1], "wrong rank"),
        ([2, 3, 9], "batch other than 1"),
        ([1, 3, "N"], "[1, 3, '?'] is dynamic"),
        (None, "unknown is dynamic"),
    ],
)
def test_shapes_of_inputs(shape: Any, words: str) -> None:
    s = Sheet(3, 9)
    s.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    problem = one(s.model(s.qdq(convolution(s, s.qdq("x", 0.02)), 0.03)))
    assert words in problem.what and problem.where == "input 'x'" and problem.supported and problem.fix


def test_a_batch_of_any_size_is_one() -> None:
    s = Sheet(3, 9)
    s.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 9])]
    assert from_qcdq(s.model(s.qdq(convolution(s, s.qdq("x", 0.02)), 0.03))).inputs[0].shape == (3, 9)


def test_wrong_rank_inside() -> None:
    s = Sheet(3, 9)
    y = s.node("Gemm", s.qdq("x", 0.02), s.weight(ints(4, 27), 0.01), transB=1, name="fc")
    problem = one(s.model(s.qdq(y, 0.03)))
    assert "rank 2 without batch" in problem.what and problem.where == "node 'fc' (dense)"


def test_overflow() -> None:
    s = Sheet(3, 9)
    bias = s.bias(np.full(4, 2**31 - 1), 0.02, [0.001] * 4)
    y = s.node("Conv", s.qdq("x", 0.02), s.weight(ints(4, 3, 3), [0.001] * 4), bias, name="conv")
    assert "beyond int32" in one(s.model(s.qdq(y, 0.03))).what


def test_cycles() -> None:
    s = Sheet(3, 9)
    x = s.qdq("x", 0.02)
    y = s.qdq(s.node("Add", x, "back", name="add"), 0.03)
    s.node("Relu", y, name="relu", outputs=["back"])
    problem = one(s.model(y))
    assert "form a cycle" in problem.what and "'add'" in problem.what and "'relu'" in problem.what


def test_ties_that_onnx_rounds_to_even() -> None:
    """Scales that are powers of two meet exact ties; only a model that says so rounds them up."""
    cases: list[Callable[[Sheet, str], str]] = [
        lambda s, x: s.node("Add", x, x),
        lambda s, x: s.node("Conv", x, s.weight(ints(2, 3, 1), 2.0**-7)),
        lambda s, x: s.node("AveragePool", x, kernel_shape=[2]),
        lambda s, x: s.node("Relu", x),
    ]
    for case in cases:
        s = Sheet(3, 9)
        y = s.qdq(case(s, s.qdq("x", 0.5)), 2.0)
        problem = one(s.model(y, rounding="half_even"))
        assert "ties, which QuantizeLinear rounds to even" in problem.what and "rounding = half_up" in problem.fix
        assert from_qcdq(s.model(y)).nodes


def test_metadata() -> None:
    s = Sheet(5)
    y = s.qdq("x", 0.02)
    first, second = problems(s.model(y, rounding="up", info="[1]"))
    assert first.where == "metadata property 'rounding'" and first.supported == "half_up or half_even"
    assert second.where == "metadata property 'info'"
    assert "not a JSON object" in one(s.model(y, info="{")).what


def test_constants_that_cannot_be_folded() -> None:
    s = Sheet(3, 9)
    pads = s.node("Concat", s.constant([[1]], np.int64), s.constant([0, 0], np.int64), axis=0, name="odd")
    problem = one(s.model(s.node("Pad", s.qdq("x", 0.02), pads)))
    assert "its constants do not fit together" in problem.what and problem.where == "node 'odd' (Concat)"
    s = Sheet(3, 9)
    huge = s.node(
        "ConstantOfShape", s.constant([1 << 40], np.int64), value=numpy_helper.from_array(np.zeros(1, np.int64))
    )
    assert "is too large" in one(s.model(s.node("Pad", s.qdq("x", 0.02), huge))).what


def test_every_problem_in_one_run() -> None:
    s = Sheet(3, 9)
    x = s.qdq("x", 0.02)
    a = s.qdq(s.node("Conv", x, s.weight(np.full((4, 3, 3), -128), [0.001] * 4), name="weights"), 0.03)
    b = s.qdq(s.node("MaxPool", a, kernel_shape=[2], ceil_mode=1, name="ceil"), 0.03)
    c = s.qdq(s.node("Mul", x, x, name="product"), 0.03)
    d = s.qdq(convolution(s, x), np.nan)
    found = problems(s.model(s.node("Add", b, c), s.node("Flatten", d), s.node("Relu", "ghost", name="dangling"), a))
    where = [problem.where for problem in found]
    assert [w.split("'")[1] for w in where if "quantize" not in w] == ["ceil", "product", "dangling", "weights"]
    assert len(found) == 5
