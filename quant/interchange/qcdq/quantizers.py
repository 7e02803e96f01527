"""QuantizeLinear, DequantizeLinear, and the bounds between them: Clip and ReLU."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from quant.interchange.qcdq.inputs import stored, value
from quant.interchange.qcdq.values import (
    IntegerInput,
    Integers,
    Pending,
    Value,
    Weights,
)
from quant.interchange.view import NodeView
from quant.lowering import Scale
from quant.ops.base import require

if TYPE_CHECKING:
    from quant.interchange.qcdq.importer import Importer


SIGNED = {np.dtype(np.int8): True, np.dtype(np.uint8): False}


def quantize(reader: Importer, view: NodeView) -> Value:
    view.only("axis", "saturate", "output_dtype", block_size=0, precision=0)
    scale = quantization(view, view.array(2, "zero point") if view.has(2) else np.zeros((), np.uint8))
    source = value(reader, view)
    if isinstance(source, Pending):
        return Integers(view, source, scale)
    return Integers(view, stored(reader, view), scale)


def dequantize(reader: Importer, view: NodeView) -> Value:
    view.only("axis", block_size=0, output_dtype=TensorProto.FLOAT)
    require(view.has(0), "input 0 is missing")
    if view.model.is_constant(view.inputs[0]):
        return weights(view)
    source = value(reader, view)
    if isinstance(source, IntegerInput):
        scale = quantization(view, view.array(2, "zero point") if view.has(2) else np.zeros((), np.uint8))
        require(scale.signed == source.signed, "its zero point has another type than its input", "equal types")
        return reader.declare(source.name, source.shape, scale)
    found = stored(reader, view)
    zero = view.array(2, "zero point") if view.has(2) else np.zeros((), np.uint8)
    scale = quantization(view, zero)
    require(
        (scale.step, scale.zero_point) == (found.scale.step, found.scale.zero_point),
        "its scale or zero point is not that of the QuantizeLinear before it",
        "equal scale, zero point and type",
    )
    return found


def quantization(view: NodeView, zero: NDArray) -> Scale:
    """Scale and zero point of an activation, inputs 1 and 2 of a quantizer."""
    steps = scales(view)
    require(zero.dtype in SIGNED, f"zero point has type {zero.dtype}", "int8, uint8", "quantize activations to 8 bits")
    fix = "quantize activations per tensor"
    require(steps.size == 1 and zero.size == 1, f"it has {steps.size} scales and {zero.size} zero points", "one", fix)
    return Scale(float(steps.reshape(())), SIGNED[zero.dtype], int(zero.reshape(())))


def weights(view: NodeView) -> Weights:
    """A DequantizeLinear of constants."""
    integers, steps = view.array(0, "x"), scales(view)
    kinds = "int8 weights, int32 biases"
    require(integers.dtype in (np.int8, np.int32), f"it dequantizes a constant of type {integers.dtype}", kinds)
    symmetric = not view.has(2) or not np.any(view.array(2, "zero point"))
    fix = "quantize weights symmetrically"
    require(symmetric, "it dequantizes a constant with a zero point other than 0", "zero point 0", fix)
    axis = view.integer("axis", 1)
    axis += integers.ndim if axis < 0 else 0
    fits = steps.size == 1 or (0 <= axis < integers.ndim and steps.shape == (integers.shape[axis],))
    what = f"it has scales of shape {steps.shape} along axis {axis} for a constant of shape {integers.shape}"
    require(fits, what, "one scale, or one per channel")
    return Weights(integers, steps, axis)


def scales(view: NodeView) -> NDArray:
    """Input 1 of a quantizer: finite positive float32 numbers."""
    steps = view.array(1, "scale")
    require(steps.dtype == np.float32, f"scale has type {steps.dtype}", "float32")
    bad = steps[~(np.isfinite(steps) & (steps > 0))]
    require(steps.size > 0, "it has no scale", "one scale, or one per channel")
    fix = "check the calibration that made this model"
    require(not bad.size, f"scale holds {bad[:1]}", "finite positive numbers", fix)
    return steps


def clip(reader: Importer, view: NodeView) -> Value:
    """Between integers it narrows the quantizer, between reals it bounds what the quantizer will see."""
    view.only()
    bounds = [view.array(i, label) if view.has(i) else None for i, label in ((1, "min"), (2, "max"))]
    require(
        all(b is None or (b.size == 1 and not np.isnan(b).any()) for b in bounds), "bounds are not numbers", "scalars"
    )
    source = value(reader, view)
    if isinstance(source, Integers):
        shift = source.scale.zero_point - source.scale.zero
        own = source.scale
        lo = own.lo if bounds[0] is None else int(bounds[0].reshape(())) + shift
        hi = own.hi if bounds[1] is None else int(bounds[1].reshape(())) + shift
        return replace(source, scale=replace(own, lo=max(own.lo, lo), hi=min(own.hi, hi)))
    low, high = (None if b is None or np.isinf(b) else Fraction(float(b.reshape(()))) for b in bounds)
    return bounded(reader, view, low, high)


def relu(reader: Importer, view: NodeView) -> Value:
    view.only()
    return bounded(reader, view, Fraction(0), None)


def bounded(reader: Importer, view: NodeView, low: Fraction | None, high: Fraction | None) -> Pending:
    source = value(reader, view)
    pending = source if isinstance(source, Pending) else reader.rescaled(view, stored(reader, view))
    lows, highs = ([b for b in pair if b is not None] for pair in ((pending.low, low), (pending.high, high)))
    low, high = max(lows, default=None), min(highs, default=None)
    return replace(pending, low=low, high=high, biased=None, results={})
