"""Operators of QCDQ models that move values or choose among them; they commute with quantization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from quant.graph import Tensor
from quant.interchange.qcdq.inputs import stored, value
from quant.interchange.qcdq.values import (
    Integers,
    Layer,
    Padded,
    Pending,
    Stored,
    Value,
    Weights,
)
from quant.interchange.view import NodeView
from quant.ops import Concat, Op, Pad, Reshape
from quant.ops.base import require

if TYPE_CHECKING:
    from quant.interchange.qcdq.importer import Importer


def moving(make: Callable[[NodeView, Tensor], Op]) -> Layer:
    """An operator that commutes with quantization: at once on stored values, else after the quantizer."""

    def lower(reader: Importer, view: NodeView) -> Value:
        def op(x: Tensor) -> Op:
            view.model.ranks[view.inputs[0]] = len(x.shape) + 1
            return make(view, x)

        source = value(reader, view)
        if isinstance(source, Pending):
            return replace(source, moves=(*source.moves, (view, op)), biased=None, results={})
        x = stored(reader, view)
        return reader.move(view, x, op(x.tensor))

    return lower


def described(op_class: type[Op]) -> Callable[[NodeView, Tensor], Op]:
    """Operators that QCDQ models write as integer models do."""

    def make(view: NodeView, x: Tensor) -> Op:
        op = op_class.read(view).op
        assert op is not None
        return op

    return make


def transpose(reader: Importer, view: NodeView) -> Value:
    """Of weights only: exporters store them the other way round."""
    view.only("perm")
    weights = value(reader, view)
    require(
        isinstance(weights, Weights),
        "operator Transpose is not supported on activations",
        "Transpose of weights",
        "give the layers the order of axes they need, or use Reshape where an axis has size 1",
    )
    assert isinstance(weights, Weights)
    rank = weights.integers.ndim
    perm = view.integers("perm", range(rank)[::-1])
    require(sorted(perm) == list(range(rank)), f"attribute perm is {list(perm)}", f"an order of {rank} axes")
    axis = perm.index(weights.axis) if weights.axis < rank else weights.axis
    return Weights(weights.integers.transpose(perm), weights.steps, axis)


def changed_axes(view: NodeView, x: Tensor) -> Op:
    """Squeeze and Unsqueeze as Reshape."""
    view.only()
    adds = view.op_type == "Unsqueeze"
    rank = len(x.shape) + 1
    ones = tuple(i for i, size in enumerate((0, *x.shape)) if size == 1)
    axes = view.vector(1, "axes") if view.has(1) else ones
    total = rank + len(axes) if adds else rank
    places = {axis + total if axis < 0 else axis for axis in axes}
    fits = len(places) == len(axes) and all(0 < p < total for p in places) and (adds or places <= set(ones))
    require(fits, f"axes is {list(axes)}", "axes of size 1 behind the batch, each once")
    sizes = iter(x.shape)
    if adds:
        return Reshape(tuple(1 if i in places else next(sizes) for i in range(1, total)))
    return Reshape(tuple(size for i, size in enumerate(x.shape, 1) if i not in places))


def pad(reader: Importer, view: NodeView) -> Value:
    """Zeros around a tensor; a convolution behind takes them over."""
    view.only(mode="constant")
    pads = view.vector(1, "pads")
    rank = len(pads) // 2
    zero = not view.has(2) or not np.any(view.array(2, "value"))
    require(zero, "it pads with another value than 0", "0, which is the zero point")
    require(not view.has(3), "it has an axes input", "pads for every axis")
    require(rank >= 2 and len(pads) % 2 == 0 and min(pads) >= 0, f"pads is {list(pads)}", "begin and end of every axis")
    require(pads[0] == pads[rank] == 0, f"pads {list(pads)} pad the batch", "0 for the batch")
    inner = (*pads[1:rank], *pads[rank + 1 :])
    if not any(inner):
        return value(reader, view)
    if isinstance(value(reader, view), Pending):
        return moving(lambda view, x: Pad(inner))(reader, view)
    return Padded(stored(reader, view), inner, view)


def concat(reader: Importer, view: NodeView) -> Value:
    """Of tensors with one scale at once; others are brought to the scale of the quantizer behind."""
    sources = [value(reader, view, index) for index in range(len(view.inputs))]
    parts = [s if isinstance(s, Pending) else stored(reader, view, i) for i, s in enumerate(sources)]
    name, op = reader.layer_name(view), described(Concat)(view, Tensor("", ()))
    held = [part for part in parts if isinstance(part, Stored)]
    kinds = {(part.scale.step, part.scale.zero_point) for part in held}
    if len(held) == len(parts) and len(kinds) == 1:
        return joined(reader, name, op, held)
    return Pending(
        view, lambda scale: joined(reader, name, op, [reader.resolve(Integers(view, p, scale)) for p in parts])
    )


def joined(reader: Importer, name: str, op: Op, parts: Sequence[Stored]) -> Stored:
    own = [part.scale for part in parts]
    scale = replace(own[0], lo=min(s.lo for s in own), hi=max(s.hi for s in own))
    return reader.placed(reader.lowering.add_op(name, op, scale, *(part.tensor.name for part in parts)))
