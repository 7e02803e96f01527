"""The operators of QCDQ models, one function each: from a node to what its result stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

from onnx import TensorProto

from quant.dtypes import DType
from quant.interchange.qcdq.inputs import activation, stored, value
from quant.interchange.qcdq.linear import conv, gemm, matmul
from quant.interchange.qcdq.movement import changed_axes, concat, described, moving, pad, transpose
from quant.interchange.qcdq.quantizers import clip, dequantize, quantize, relu
from quant.interchange.qcdq.values import (
    Layer,
    Pending,
    Stored,
    Value,
    Weights,
)
from quant.interchange.view import NodeView
from quant.lowering import Scale
from quant.ops import ArgMax, MaxPool, Reshape, Slice, Table
from quant.ops.base import require
from quant.rounding import meets_tie, sum_meets_tie
from quant.unary import Function, elu, leaky_relu, sigmoid, tanh

if TYPE_CHECKING:
    from quant.interchange.qcdq.importer import Importer


def layer(view: NodeView) -> Layer:
    """The function for this node; raises Unsupported when there is none."""
    require(
        view.op_type in LAYERS,
        f"operator {view.op_type} is not supported",
        ", ".join(sorted(LAYERS)),
        HINTS.get(view.op_type, "rewrite it with supported operators"),
    )
    return LAYERS[view.op_type]


def convolution(reader: Importer, view: NodeView) -> Value:
    return conv(reader, view, activation(reader, view))


def add(reader: Importer, view: NodeView) -> Value:
    """Two activations, or the bias of the layer before."""
    view.only()
    require(len(view.inputs) == 2, f"it has {len(view.inputs)} inputs", "2")
    for index in (0, 1):
        before, other = reader.values.get(view.inputs[index]), reader.values.get(view.inputs[1 - index])
        if isinstance(before, Pending) and before.biased and (other is None or isinstance(other, Weights)):
            return before.biased(view, 1 - index)
    x, y = stored(reader, view, 0), stored(reader, view, 1)

    def finish(scale: Scale) -> Stored:
        first, second = (Fraction(t.scale.step) / Fraction(scale.step) for t in (x, y))
        xs, ys = (range(-128 - t.scale.zero_point, 128 - t.scale.zero_point) for t in (x, y))
        reader.refuse_ties(sum_meets_tie(first, second, xs, ys))
        return reader.placed(reader.lowering.add(name, x.tensor.name, y.tensor.name, scale))

    name = reader.layer_name(view)
    return Pending(view, finish)


def average_pool(reader: Importer, view: NodeView) -> Value:
    view.only("kernel_shape", "strides", "pads", "count_include_pad", auto_pad="NOTSET", ceil_mode=0, dilations=1)
    kernel = view.integers("kernel_shape", ())
    pads = view.integers("pads", (0,) * 2 * len(kernel))
    counted = view.integer("count_include_pad", 0) != 0 or not any(pads)
    require(counted, "attribute count_include_pad = 0 with padding is not supported", "count_include_pad = 1")
    return pooled(reader, view, stored(reader, view), kernel, view.integers("strides", (1,) * len(kernel)), pads)


def global_average_pool(reader: Importer, view: NodeView) -> Value:
    view.only()
    x = stored(reader, view)
    kernel = x.tensor.shape[1:]
    require(bool(kernel), f"input has shape {x.tensor.shape}", "(C, L) or (C, H, W)")
    return pooled(reader, view, x, kernel, (1,) * len(kernel), (0,) * 2 * len(kernel))


def pooled(
    reader: Importer, view: NodeView, x: Stored, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int]
) -> Pending:
    require(bool(kernel) and min(kernel) >= 1, f"attribute kernel_shape is {list(kernel)}", "1 or 2 values >= 1")
    name, elements = reader.layer_name(view), prod(kernel)

    def finish(scale: Scale) -> Stored:
        reader.refuse_ties(meets_tie(Fraction(x.scale.step) / Fraction(scale.step) / elements, 255 * elements))
        pool = reader.lowering.average_pool
        return reader.placed(pool(name, x.tensor.name, scale, kernel=kernel, strides=strides, pads=pads))

    return Pending(view, finish)


def unary(make: Callable[[NodeView], Function]) -> Layer:
    """A function of one value, tabulated between two quantizers."""

    def lower(reader: Importer, view: NodeView) -> Value:
        x, function, name = stored(reader, view), make(view), reader.layer_name(view)

        def finish(scale: Scale) -> Stored:
            first, second = ((s.step, s.zero_point) for s in (x.scale, scale))
            op = Table.of(function, first, second, reader.rounding, scale.lo, scale.hi)
            return reader.placed(reader.lowering.add_op(name, op, scale, x.tensor.name))

        return Pending(view, finish)

    return lower


def plain(function: Function) -> Callable[[NodeView], Function]:
    def make(view: NodeView) -> Function:
        view.only()
        return function

    return make


def with_alpha(family: Callable[[float], Function], default: float) -> Callable[[NodeView], Function]:
    def make(view: NodeView) -> Function:
        view.only("alpha")
        return family(view.real("alpha", default))

    return make


def argmax(reader: Importer, view: NodeView) -> Value:
    x, name = stored(reader, view), reader.layer_name(view)
    reader.lowering.scales[name] = Scale(1.0, signed=True)
    reader.lowering.builder.add(name, ArgMax.from_attributes(view), x.tensor.name)
    return reader.placed(name)


def cast(reader: Importer, view: NodeView) -> Value:
    x, to = stored(reader, view), view.integer("to", TensorProto.UNDEFINED)
    index = x.tensor.dtype is DType.S32 and to in (TensorProto.INT32, TensorProto.INT64)
    require(index, f"attribute to = {to} is not supported here", "the int32 or int64 result of ArgMax")
    return x


def same(reader: Importer, view: NodeView) -> Value:
    """Nodes that change nothing at inference."""
    return value(reader, view)


LAYERS: dict[str, Layer] = {
    "Add": add,
    "ArgMax": argmax,
    "AveragePool": average_pool,
    "Cast": cast,
    "Clip": clip,
    "Concat": concat,
    "Conv": convolution,
    "DequantizeLinear": dequantize,
    "Dropout": same,
    "Elu": unary(with_alpha(elu, 1.0)),
    "Flatten": moving(described(Reshape)),
    "Gemm": lambda reader, view: gemm(reader, view, stored(reader, view)),
    "GlobalAveragePool": global_average_pool,
    "Identity": same,
    "LeakyRelu": unary(with_alpha(leaky_relu, 0.01)),
    "MatMul": lambda reader, view: matmul(reader, view, stored(reader, view)),
    "MaxPool": moving(described(MaxPool)),
    "Pad": pad,
    "QuantizeLinear": quantize,
    "Relu": relu,
    "Reshape": moving(described(Reshape)),
    "Sigmoid": unary(plain(sigmoid)),
    "Slice": moving(described(Slice)),
    "Squeeze": moving(changed_axes),
    "Tanh": unary(plain(tanh)),
    "Transpose": transpose,
    "Unsqueeze": moving(changed_axes),
}
HINTS = {
    "BatchNormalization": "merge batch norm into the layer before it, then quantize",
    "ReduceMean": "use GlobalAveragePool or AveragePool",
    "Softmax": "take argmax of the logits instead; softmax does not change it",
}
