"""Convolution and dense layers of QCDQ models: weights, biases and the scales between them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant.interchange.qcdq.values import Lost, Padded, Pending, Reported, Stored, Weights
from quant.interchange.view import NodeView
from quant.lowering import Scale
from quant.ops.base import require
from quant.rounding import meets_tie

if TYPE_CHECKING:
    from quant.interchange.qcdq.importer import Importer

Lower = Callable[[NDArray | None, Scale], str]  # bias integers, output quantization -> name of the layer


def conv(reader: Importer, view: NodeView, x: Stored | Padded) -> Pending:
    """Conv, with the zeros that a Pad before it wrote as its own padding."""
    view.only("kernel_shape", "strides", "dilations", "pads", "group", auto_pad="NOTSET")
    weight = _weights(reader, view, axis=0)
    rank = weight.integers.ndim - 2
    require(rank in (1, 2), f"weight has shape {weight.integers.shape}", "rank 3 (1-D) or 4 (2-D)")
    kernel = view.integers("kernel_shape", weight.integers.shape[2:])
    require(kernel == weight.integers.shape[2:], f"attribute kernel_shape is {list(kernel)}", "the weight's")
    pads = view.integers("pads", (0,) * 2 * rank)
    if isinstance(x, Padded):
        spatial = len(x.pads) // 2
        fits = spatial == rank + 1 and len(pads) == 2 * rank and x.pads[0] == x.pads[spatial] == 0
        require(fits, f"the Pad before it has pads {list(x.pads)}", "zeros around the spatial axes only")
        outer = x.pads[1:spatial] + x.pads[spatial + 1 :]
        pads, x = tuple(p + q for p, q in zip(pads, outer, strict=True)), x.source
    source, name = x, reader.layer_name(view)

    def lower(bias: NDArray | None, output: Scale) -> str:
        return reader.lowering.conv(
            name,
            source.tensor.name,
            weight.integers,
            weight.steps,
            bias,
            output,
            strides=view.integers("strides", (1,) * rank),
            dilations=view.integers("dilations", (1,) * rank),
            pads=pads,
            groups=view.integer("group", 1),
        )

    return _linear(reader, view, x, weight, lower, _bias(reader, view, 2, x, weight) if view.has(2) else None)


def gemm(reader: Importer, view: NodeView, x: Stored) -> Pending:
    """Gemm with the weight as second operand, transposed or not."""
    view.only("transB", alpha=1.0, beta=1.0, transA=0)
    transposed = view.integer("transB", 0) != 0
    weight = _weights(reader, view, axis=0 if transposed else 1)
    return _dense(reader, view, x, weight, transposed)


def matmul(reader: Importer, view: NodeView, x: Stored) -> Pending:
    """MatMul with the weight as second operand; an Add behind it may bring the bias."""
    view.only()
    return _dense(reader, view, x, _weights(reader, view, axis=1), False)


def _dense(reader: Importer, view: NodeView, x: Stored, weight: Weights, transposed: bool) -> Pending:
    require(weight.integers.ndim == 2, f"weight has shape {weight.integers.shape}", "rank 2")
    rows = weight.integers if transposed else weight.integers.T
    outs = Weights(np.ascontiguousarray(rows), weight.steps, 0)
    name = reader.layer_name(view)

    def lower(bias: NDArray | None, output: Scale) -> str:
        return reader.lowering.dense(name, x.tensor.name, outs.integers, outs.steps, bias, output)

    return _linear(reader, view, x, outs, lower, _bias(reader, view, 2, x, outs) if view.has(2) else None)


def _linear(
    reader: Importer, view: NodeView, x: Stored, weight: Weights, lower: Lower, bias: NDArray | None
) -> Pending:
    def finish(output: Scale) -> Stored:
        _refuse_ties(reader, x, weight, bias, output)
        return reader.placed(lower(bias, output))

    def biased(add: NodeView, index: int) -> Pending:
        channels, spatial = len(weight.integers), weight.integers.ndim - 2
        shapes = [(channels, *(1,) * spatial), (1, channels, *(1,) * spatial)]
        shape = _constant_shape(reader, add, index)
        require(shape in shapes, f"it adds a constant of shape {shape}", f"a bias of shape {shapes[0]}")
        return _linear(reader, view, x, weight, lower, _bias(reader, add, index, x, weight))

    return Pending(view, finish, biased=biased if bias is None else None)


def _weights(reader: Importer, view: NodeView, axis: int) -> Weights:
    """Input 1 with its scales per output, which lie along ``axis``."""
    name = view.inputs[1] if view.has(1) else ""
    found = reader.values.get(name)
    if isinstance(found, Lost):
        raise Reported
    require(
        isinstance(found, Weights) and found.integers.dtype == np.int8,
        f"its weight '{name}' is not a quantized constant",
        "int8 weights behind DequantizeLinear",
        "quantize the weights: per channel or per tensor, 8 bits or fewer, zero point 0",
    )
    assert isinstance(found, Weights)
    per_channel = (
        found.steps.ndim == 1 and found.integers.ndim > axis and len(found.steps) == found.integers.shape[axis]
    )
    require(
        found.steps.size == 1 or (per_channel and found.axis == axis),
        f"its weight has {found.steps.size} scales along axis {found.axis}",
        f"one scale, or one per output channel along axis {axis}",
    )
    one = found.steps.size == 1 and not per_channel
    return Weights(found.integers.astype(np.int64), found.steps.reshape(()) if one else found.steps, axis)


def _constant_shape(reader: Importer, view: NodeView, index: int) -> tuple[int, ...]:
    found = reader.values.get(view.inputs[index])
    return found.integers.shape if isinstance(found, Weights) else view.array(index, "bias").shape


def _bias(reader: Importer, view: NodeView, index: int, x: Stored, weight: Weights) -> NDArray[np.int64]:
    """Input ``index`` in integers at s_in * s_w; a bias with other scales or in float must be a multiple of that."""
    channels = len(weight.integers)
    inputs, weights = np.float32(x.scale.step), np.broadcast_to(weight.steps, (channels,))
    found = reader.values.get(view.inputs[index])
    if isinstance(found, Lost):
        raise Reported
    if isinstance(found, Weights):
        integers, steps = found.integers.astype(np.int64).ravel(), np.broadcast_to(found.steps, found.integers.size)
        require(integers.size == channels, f"its bias has {integers.size} values", f"{channels}")
        if np.array_equal(steps, inputs * weights):
            return integers
        reals = [int(q) * Fraction(float(step)) for q, step in zip(integers, steps, strict=True)]
    else:
        floats = view.array(index, "bias").ravel()
        require(floats.size == channels, f"its bias has {floats.size} values", f"{channels}")
        require(bool(np.all(np.isfinite(floats))), "its bias holds NaN or infinity", "finite numbers")
        reals = [Fraction(float(value)) for value in floats]
    units = [Fraction(float(inputs)) * Fraction(float(w)) for w in weights]
    exact = [real / unit for real, unit in zip(reals, units, strict=True)]
    require(
        all(q.denominator == 1 and abs(q) < 1 << 31 for q in exact),
        "its bias is not a whole number of input scale times weight scale",
        "int32 biases with scale = input scale * weight scale (zero point 0)",
        "quantize the biases too: in Brevitas, bias_quant=Int32Bias",
    )
    return np.array([int(q) for q in exact], np.int64)


def _refuse_ties(reader: Importer, x: Stored, weight: Weights, bias: NDArray | None, output: Scale) -> None:
    rows = np.abs(weight.integers).reshape(len(weight.integers), -1).sum(axis=1)
    bounds = rows * 255 + (0 if bias is None else np.abs(bias))
    unit = Fraction(x.scale.step) / Fraction(output.step)
    steps = np.broadcast_to(weight.steps, (len(rows),))
    pairs = zip(steps, bounds, strict=True)
    reader.refuse_ties(any(meets_tie(Fraction(float(step)) * unit, int(bound)) for step, bound in pairs))
