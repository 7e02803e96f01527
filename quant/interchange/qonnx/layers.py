"""The operators of QONNX models of bits, one function each: from a node to what its result stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil, prod, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.graph import Tensor
from quant.interchange.qcdq.folding import LARGEST
from quant.interchange.qonnx.values import BIPOLAR, Bits, Layer, Make, Plain, Real, Signs, Sums, Value
from quant.interchange.view import NodeView
from quant.ops import ArgMin, BinaryConv, BinaryDense, Bind, Reshape, Threshold
from quant.ops.base import IntArray, require
from quant.ops.binary import Finish

if TYPE_CHECKING:
    from quant.interchange.qonnx.importer import Importer

Fractions = tuple[Fraction, ...]


def layer(view: NodeView) -> Layer:
    """The function for this node; raises Unsupported when there is none."""
    require(
        view.op_type in LAYERS,
        f"operator {view.op_type} is not supported in a model of bits",
        ", ".join(sorted(LAYERS)),
        HINTS.get(view.op_type, "rewrite it with supported operators"),
    )
    return LAYERS[view.op_type]


def value(reader: Importer, view: NodeView, index: int = 0) -> Value:
    """What an input stands for."""
    require(view.has(index), f"input {index} is missing")
    name = view.inputs[index]
    require(name in reader.values, f"input '{name}' is not computed before it", "nodes in the order of their inputs")
    return reader.values[name]


def bipolar(reader: Importer, view: NodeView) -> Value:
    """+scale where x >= 0, -scale elsewhere; of a constant, an input of the model, or a layer's result."""
    view.only()
    require(len(view.inputs) == 2, f"it has {len(view.inputs)} inputs", "x, scale")
    steps = view.array(1, "scale")
    positive = steps.dtype == np.float32 and steps.size > 0 and bool(np.all(np.isfinite(steps) & (steps > 0)))
    require(positive, f"scale is {steps.dtype} {steps.ravel()[:4].tolist()}", "finite positive float32 numbers")
    if view.has(0) and view.model.is_constant(view.inputs[0]):
        constant = view.array(0, "x")
        require(constant.dtype == np.float32 and not np.isnan(constant).any(), "x is no float32, or NaN", "numbers")
        return Signs(constant >= 0, _broadcast(steps, constant.shape))
    require(steps.size == 1, f"it has {steps.size} scales for an activation", "one")
    step, source = Fraction(float(steps.reshape(()))), value(reader, view)
    if isinstance(source, Real):
        return Bits(_declared(reader, source), step)
    if isinstance(source, Sums):
        return Bits(_compared(reader, view, source), step, source.flat)
    require(isinstance(source, Bits), f"input '{view.inputs[0]}' holds no reals", "inputs, results of layers")
    assert isinstance(source, Bits)
    return replace(source, step=step)


def _broadcast(steps: NDArray, shape: tuple[int, ...]) -> NDArray:
    try:
        return np.broadcast_to(steps, shape)
    except ValueError:
        require(False, f"scale has shape {steps.shape} for x of shape {shape}", "shapes that broadcast to that of x")
        raise


def _declared(reader: Importer, source: Real) -> Tensor:
    """The input of the graph."""
    if source.name not in reader.tensors:
        reader.builder.input(source.name, source.shape, DType.B1)
        reader.tensors[source.name] = Tensor(source.name, source.shape, DType.B1)
    return reader.tensors[source.name]


def _compared(reader: Importer, view: NodeView, sums: Sums) -> Tensor:
    """[slope * sum + offset >= 0] as levels; where a slope is negative the weights change sign."""
    if "bits" not in sums.results:
        levels = [
            -offset / abs(slope) if slope else (-sums.terms if offset >= 0 else sums.terms + 1)
            for slope, offset in zip(sums.slopes, sums.offsets, strict=True)
        ]
        whole = [min(max(ceil(level), -sums.terms), sums.terms + 1) for level in levels]
        flips = np.array([slope < 0 for slope in sums.slopes])
        op = sums.make(flips, np.zeros(sums.outputs, np.int64), Threshold(np.array(whole, np.int64)))
        sums.results["bits"] = reader.add(sums.view, op, sums.source)
    return sums.results["bits"]


def sums_tensor(reader: Importer, sums: Sums, negative: bool = False) -> Tensor:
    """The sums as s32, flat where the model flattened them; ``negative``: with the other sign."""
    key = "negative" if negative else "sums"
    if key not in sums.results:
        slope = sums.slopes[0]
        require(
            slope != 0 and all(other == slope for other in sums.slopes),
            "its real outputs have several factors, or 0",
            "one factor for all outputs of the layer",
            "quantize the last layer's weights with one scale, without batch normalization behind",
        )
        biases = [offset / abs(slope) for offset in sums.offsets]
        whole = all(bias.denominator == 1 for bias in biases) and max(map(abs, biases)) < LARGEST
        fix = "leave the bias of the last layer out, or round it to a multiple of the scales' product"
        require(whole, "its bias is no multiple of its step", "multiples of the scales' product", fix)
        bias = np.array([int(b) for b in biases], np.int64)
        op = sums.make(negative != (slope < 0), -bias if negative else bias, None)
        found = reader.add(sums.view, op, sums.source)
        if sums.flat and len(found.shape) > 1:
            found = reader.add(sums.view, Reshape((-1,)), found)
        sums.results[key] = found
    return sums.results[key]


def matmul(reader: Importer, view: NodeView) -> Value:
    view.only()
    require(len(view.inputs) == 2, f"it has {len(view.inputs)} inputs", "2")
    return _dense(reader, view, _weights(reader, view, 2).moved(np.transpose))


def gemm(reader: Importer, view: NodeView) -> Value:
    view.only("transB", alpha=1.0, beta=1.0, transA=0)
    weights = _weights(reader, view, 2)
    sums = _dense(reader, view, weights if view.integer("transB", 0) else weights.moved(np.transpose))
    return sums.moved(_constants(view, 2, "bias", sums)) if view.has(2) else sums


def _dense(reader: Importer, view: NodeView, weights: Signs) -> Sums:
    """``weights`` (out, in). A flattened tensor is taken as it is: as a convolution with a kernel of its size."""
    x, (outputs, inputs) = _bits(reader, view), weights.bits.shape
    fits = x.tensor.elements == inputs and (x.flat or len(x.tensor.shape) == 1)
    require(fits, f"weights of {inputs} inputs do not fit an input {x.tensor.shape}", "(F): as many bits as inputs")
    rank = len(x.tensor.shape) - 1

    def make(flips: bool | NDArray[np.bool_], bias: IntArray, finish: Finish) -> BinaryDense | BinaryConv:
        bits = _flipped(weights.bits, flips)
        if not rank:
            return BinaryDense(bits, bias, finish)
        kernel = bits.reshape(outputs, *x.tensor.shape)
        return BinaryConv(kernel, bias, finish, (1,) * rank, (1,) * rank, (0,) * 2 * rank)

    return _sums(view, x, weights, make, 0, flat=rank > 0)


def conv(reader: Importer, view: NodeView) -> Value:
    view.only("kernel_shape", "strides", "dilations", "pads", auto_pad="NOTSET", group=1)
    weights, x = _weights(reader, view, 3, 4), _bits(reader, view)
    rank, kernel = weights.bits.ndim - 2, weights.bits.shape[2:]
    require(not x.flat, "its input is flat", "(C, L) or (C, H, W)")
    stated = view.integers("kernel_shape", kernel)
    require(stated == kernel, f"attribute kernel_shape is {list(stated)}", f"{list(kernel)}")
    strides, dilations = view.integers("strides", (1,) * rank), view.integers("dilations", (1,) * rank)
    pads = view.integers("pads", (0,) * 2 * rank)

    def make(flips: bool | NDArray[np.bool_], bias: IntArray, finish: Finish) -> BinaryConv:
        return BinaryConv(_flipped(weights.bits, flips), bias, finish, strides, dilations, pads)

    sums = _sums(view, x, weights, make, rank)
    if not view.has(2):
        return sums
    bias = view.array(2, "bias")
    require(bias.shape == (sums.outputs,), f"bias has shape {bias.shape}", f"({sums.outputs},)")
    return sums.moved(_fractions(bias, "bias"))


def _flipped(bits: NDArray[np.bool_], flips: bool | NDArray[np.bool_]) -> NDArray[np.bool_]:
    return bits ^ np.reshape(flips, (-1, *[1] * (bits.ndim - 1)))


def _sums(view: NodeView, x: Bits, weights: Signs, make: Make, spatial: int, flat: bool = False) -> Sums:
    rows = weights.steps.reshape(len(weights.steps), -1)
    one_each = bool(np.all(rows == rows[:, :1]))
    require(one_each, "weights of one output have several scales", "one scale, or one per output")
    slopes = tuple(x.step * Fraction(float(step)) for step in rows[:, 0])
    return Sums(view, x.tensor, make, rows.shape[1], spatial, slopes, (Fraction(0),) * len(slopes), flat)


def _weights(reader: Importer, view: NodeView, *ranks: int) -> Signs:
    require(view.has(1), "input 1 (weight) is missing")
    found = reader.values.get(view.inputs[1])
    require(
        isinstance(found, Signs),
        f"weight '{view.inputs[1]}' is not quantized to bits",
        f"constants through {BIPOLAR}",
        "export layers of 8 bits as QCDQ; one model holds either kind",
    )
    assert isinstance(found, Signs)
    fits = found.bits.ndim in ranks and found.bits.size > 0
    require(fits, f"weight has shape {found.bits.shape}", f"rank {' or '.join(map(str, ranks))}, no size 0")
    return found


def _bits(reader: Importer, view: NodeView) -> Bits:
    found = value(reader, view)
    fix = "quantize it with BipolarQuant before this node"
    require(isinstance(found, Bits), f"input '{view.inputs[0]}' is not quantized to bits", f"results of {BIPOLAR}", fix)
    assert isinstance(found, Bits)
    return found


def _fractions(values: NDArray, label: str) -> Fractions:
    finite = values.dtype == np.float32 and bool(np.all(np.isfinite(values)))
    require(finite, f"{label} holds other values than finite float32 numbers", "finite float32 numbers")
    return tuple(Fraction(float(v)) for v in values.ravel())


def _constants(view: NodeView, index: int, label: str, sums: Sums) -> Fractions:
    """A constant input, one value for all outputs or one for each of them."""
    values = NodeView.along_channels(view.array(index, label), label, sums.outputs, sums.spatial)
    return _fractions(values, label)


def affine(change: Callable[[Sums, Fractions, bool], Sums]) -> Layer:
    """A layer's result and a constant; ``change`` is told whether the constant comes first."""

    def lower(reader: Importer, view: NodeView) -> Value:
        view.only()
        require(len(view.inputs) == 2, f"it has {len(view.inputs)} inputs", "2")
        first = view.model.is_constant(view.inputs[0])
        sums = value(reader, view, int(first))
        what = f"input '{view.inputs[int(first)]}' is not the result of a layer"
        require(isinstance(sums, Sums), what, "a layer's result and a constant")
        assert isinstance(sums, Sums)
        return replace(change(sums, _constants(view, int(not first), "constant", sums), first), view=sums.view)

    return lower


def _subtract(sums: Sums, by: Fractions, first: bool) -> Sums:
    moved = sums.moved(tuple(-b for b in by))
    return moved.scaled((Fraction(-1),) * sums.outputs) if first else moved


def _divide(sums: Sums, by: Fractions, first: bool) -> Sums:
    require(not first and all(by), "it divides by a layer's result or by 0", "constants other than 0 behind a layer")
    return sums.scaled(tuple(1 / b for b in by))


def batch_normalization(reader: Importer, view: NodeView) -> Value:
    """scale * (x - mean) / sqrt(variance + epsilon) + bias."""
    view.only("epsilon", "momentum", training_mode=0, spatial=1)
    sums = value(reader, view)
    require(isinstance(sums, Sums), f"input '{view.inputs[0]}' is not the result of a layer", "a layer's result")
    assert isinstance(sums, Sums)
    arrays = [view.array(i, label) for i, label in enumerate(("scale", "bias", "mean", "variance"), 1)]
    for array in arrays:
        require(array.shape == (sums.outputs,), f"a constant has shape {array.shape}", f"({sums.outputs},)")
    gamma, beta, mean, variance = (_fractions(array, "a constant") for array in arrays)
    widths = [float(v) + view.real("epsilon", 1e-5) for v in variance]
    require(min(widths) > 0, f"variance + epsilon is {min(widths)}", "more than 0")
    factors = tuple(g / Fraction(sqrt(width)) for g, width in zip(gamma, widths, strict=True))
    return sums.moved(tuple(-m for m in mean)).scaled(factors).moved(beta)


def multiply(reader: Importer, view: NodeView) -> Value:
    """Bits by constant bits: equal ones give 1, so the key of the XOR is the constant's complement. Or a factor."""
    first, second = (reader.values.get(name) for name in (*view.inputs, "", "")[:2])
    x, key = (first, second) if isinstance(first, Bits) else (second, first)
    if not isinstance(x, Bits):
        return affine(lambda sums, by, first: sums.scaled(by))(reader, view)
    view.only()
    require(
        isinstance(key, Signs), "it multiplies bits by something else than constant bits", f"constants of {BIPOLAR}"
    )
    assert isinstance(key, Signs)
    shape = key.bits.shape[key.bits.ndim - len(x.tensor.shape) :]
    fits = shape == x.tensor.shape and key.bits.size == x.tensor.elements and not x.flat
    require(fits, f"constant bits {key.bits.shape} do not fit {x.tensor.shape}", "equal shapes")
    steps = np.unique(key.steps)
    require(steps.size == 1, "constant bits have several scales", "one")
    return Bits(reader.add(view, Bind(~key.bits.reshape(shape)), x.tensor), x.step * Fraction(float(steps[0])))


def flatten(reader: Importer, view: NodeView) -> Value:
    """Behind the batch only; nothing moves, the layer behind takes the axes as they are."""
    found = value(reader, view)
    require(isinstance(found, Bits | Sums), "it flattens reals", "bits, or the result of a layer")
    assert isinstance(found, Bits | Sums)
    if view.op_type == "Flatten":
        view.only(axis=1)
    else:
        view.only(allowzero=0)
        shape = view.vector(1, "shape")
        whole = len(shape) == 2 and shape[0] in (-1, 0, 1) and (shape[1] == -1 or isinstance(found, Bits))
        fits = whole and (shape[1] == -1 or (isinstance(found, Bits) and shape[1] == found.tensor.elements))
        require(fits, f"shape is {list(shape)}", "[1, -1]: flat")
    if isinstance(found, Sums):
        one = found.spatial == 0 or prod(found.make(False, _zeros(found), None).infer(found.source)[0][1:]) == 1
        require(one, "it flattens real results over several positions", "bits", "put it behind the quantizer")
        return replace(found, flat=True, spatial=0, results={})
    return replace(found, flat=True)


def _zeros(sums: Sums) -> IntArray:
    return np.zeros(sums.outputs, np.int64)


def transpose(reader: Importer, view: NodeView) -> Value:
    """Of weights only."""
    view.only("perm")
    weights = value(reader, view)
    require(isinstance(weights, Signs), "operator Transpose is not supported on activations", "Transpose of weights")
    assert isinstance(weights, Signs)
    rank = weights.bits.ndim
    perm = view.integers("perm", range(rank)[::-1])
    require(sorted(perm) == list(range(rank)), f"attribute perm is {list(perm)}", f"an order of {rank} axes")
    return weights.moved(lambda array: array.transpose(perm))


def nearest(largest: bool) -> Layer:
    """The index of the largest (or smallest) sum; that of the largest is that of the smallest with the other sign."""

    def lower(reader: Importer, view: NodeView) -> Value:
        view.only("axis", "keepdims", select_last_index=0)
        sums = value(reader, view)
        require(isinstance(sums, Sums), f"input '{view.inputs[0]}' is not the result of a layer", "a layer's result")
        assert isinstance(sums, Sums)
        axis = view.integer("axis", 0) % (sums.spatial + 2)
        require(axis == 1, f"attribute axis is {view.integer('axis', 0)}", "1, the channels")
        return Plain(reader.add(view, ArgMin(0), sums_tensor(reader, sums, negative=largest)))

    return lower


def same(reader: Importer, view: NodeView) -> Value:
    """Nodes that change nothing at inference."""
    return value(reader, view)


LAYERS: dict[str, Layer] = {
    "Add": affine(lambda sums, by, first: sums.moved(by)),
    "ArgMax": nearest(largest=True),
    "ArgMin": nearest(largest=False),
    "BatchNormalization": batch_normalization,
    BIPOLAR: bipolar,
    "Conv": conv,
    "Div": affine(_divide),
    "Dropout": same,
    "Flatten": flatten,
    "Gemm": gemm,
    "Identity": same,
    "MatMul": matmul,
    "Mul": multiply,
    "Reshape": flatten,
    "Sub": affine(_subtract),
    "Transpose": transpose,
}
HINTS = {
    "qonnx.custom_op.general.Quant": "export layers of 8 bits as QCDQ; one model holds either kind",
    "MaxPool": "use a stride in the layer before it",
    "Relu": "leave it out: only the sign of what it is given counts",
}
