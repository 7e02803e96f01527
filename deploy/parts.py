"""Operators on boxes: what one reads to compute a box of its output, and the operator that computes just that.

Channels are whole in every box that is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from deploy.box import Box, contiguous, inside, shape_of, whole
from deploy.tile import span
from quant.graph import Tensor
from quant.ops import Add, AveragePool, Concat, Conv, MaxPool, Op, Pad, Requantize, Reshape, Slice, Table

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """An operator that computes a box of what it is for.

    Attributes:
        op: on the stored boxes of its inputs; pads may be negative.
        takes: what of every stored input it reads, where ``op`` does not say; empty: all of them.
    """

    op: Op
    takes: tuple[Box, ...] = ()


def wanted(op: Op, inputs: Sequence[Tensor], box: Box) -> tuple[Box, ...] | None:
    """What of its inputs (whole tensors) an operator reads to compute ``box``; None: it can only compute everything."""
    rule = _WANTS.get(type(op))
    return rule(op, [x.shape for x in inputs], box) if rule else None


def make_part(op: Op, inputs: Sequence[Tensor], stored: Sequence[Box], box: Box) -> Part | None:
    """The operator that computes ``box`` from stored boxes that hold what is :func:`wanted`; None where it cannot."""
    shapes = [x.shape for x in inputs]
    wants = wanted(op, inputs, box)
    if wants is None:
        everything = all(base == whole(shape) for base, shape in zip(stored, shapes, strict=True))
        return Part(op) if everything else None
    if isinstance(op, Conv):
        return Part(_on_seen_taps(replace(op, pads=_pads(op, shapes[0], stored[0], box)), stored[0], box))
    if isinstance(op, AveragePool | MaxPool):
        return Part(replace(op, pads=_pads(op, shapes[0], stored[0], box)))
    takes = tuple(inside(want, base) for want, base in zip(wants, stored, strict=True))
    if isinstance(op, Slice):
        return Part(Slice(tuple((*taken, step) for taken, (*_, step) in zip(takes[0], op.ranges, strict=True))))
    if isinstance(op, Reshape):
        return Part(Reshape(shape_of(box)), takes)
    if isinstance(op, Pad):
        return Part(_padded(op, shapes[0], wants[0], box), takes)
    pieces = all(contiguous(take, shape_of(base)) for take, base in zip(takes, stored, strict=True))
    return Part(op, takes) if pieces or isinstance(op, Concat) else None


def _of_window(op: Op, shapes: Sequence[Shape], box: Box) -> tuple[Box]:
    axes = zip(box[1:], shapes[0][1:], *_geometry(op), strict=True)
    return ((whole(shapes[0])[0], *(span(*axis)[0] for axis in axes)),)


def _geometry(op: Op) -> tuple[Shape, Shape, Shape, Shape]:
    """Kernel, strides, dilations and leading pads, by axis."""
    window = cast(Conv, op)
    rank = len(window.kernel)
    dilations = window.dilations if isinstance(op, Conv) else (1,) * rank
    return window.kernel, window.strides, dilations, window.pads[:rank]


def _pads(op: Conv | AveragePool | MaxPool, shape: Shape, stored: Box, box: Box) -> Shape:
    """Pads around ``stored`` for the windows of ``box``; negative where they leave out some of it."""
    before, after = [], []
    for out, there, *axis in zip(box[1:], stored[1:], shape[1:], *_geometry(op), strict=True):
        seen, (first, last) = span(out, *axis)
        before.append(first - (seen[0] - there[0]))
        after.append(last - (there[1] - seen[1]))
    return *before, *after


def _on_seen_taps(op: Conv, stored: Box, box: Box) -> Conv:
    """The convolution without leading and trailing taps that see padding only, wherever the window lies."""
    weight, pads, rank = op.weight, list(op.pads), len(op.kernel)
    for axis, (there, out) in enumerate(zip(stored[1:], box[1:], strict=True)):
        starts = np.arange(out[1] - out[0])[:, None] * op.strides[axis] - pads[axis]
        taps = starts + np.arange(op.kernel[axis]) * op.dilations[axis]
        (seen,) = np.nonzero(((taps >= 0) & (taps < there[1] - there[0])).any(axis=0))
        first, last = (int(seen[0]), int(seen[-1])) if len(seen) else (0, 0)
        weight = weight.take(range(first, last + 1), axis=2 + axis)
        pads[axis] -= first * op.dilations[axis]
        pads[rank + axis] -= (op.kernel[axis] - 1 - last) * op.dilations[axis]
    return replace(op, weight=weight, pads=tuple(pads))


def _of_elements(op: Op, shapes: Sequence[Shape], box: Box) -> tuple[Box, ...]:
    return (box,) * len(shapes)


def _of_slice(op: Op, shapes: Sequence[Shape], box: Box) -> tuple[Box]:
    axes = zip(box, cast(Slice, op).bounds(shapes[0]), strict=True)
    return (tuple((at + a * step, at + (b - 1) * step + 1) for (a, b), (at, _, step) in axes),)


def _of_reshape(op: Op, shapes: Sequence[Shape], box: Box) -> tuple[Box] | None:
    """Where only axes of one element come and go, the others keep their ranges."""
    elements = int(np.prod(shapes[0]))
    free = elements // int(np.prod([n for n in cast(Reshape, op).shape if n != -1]))
    shape = [free if n == -1 else n for n in cast(Reshape, op).shape]
    ranges = [bounds for bounds, n in zip(box, shape, strict=True) if n > 1]
    if [n for n in shape if n > 1] != [n for n in shapes[0] if n > 1]:
        return None
    return (tuple(ranges.pop(0) if n > 1 else (0, 1) for n in shapes[0]),)


def _of_concat(op: Op, shapes: Sequence[Shape], box: Box) -> tuple[Box, ...] | None:
    """The other axes keep their ranges; along the joined one everything is needed."""
    axis = cast(Concat, op).axis
    if box[axis] != (0, sum(shape[axis] for shape in shapes)):
        return None
    return tuple((*box[:axis], (0, shape[axis]), *box[axis + 1 :]) for shape in shapes)


def _of_pad(op: Op, shapes: Sequence[Shape], box: Box) -> tuple[Box] | None:
    """What of the input lies in the box, on every axis."""
    axes = zip(box, shapes[0], cast(Pad, op).pads, strict=False)
    want = tuple((max(a - before, 0), min(b - before, n)) for (a, b), n, before in axes)
    return (want,) if all(first < last for first, last in want) else None


def _padded(op: Pad, shape: Shape, want: Box, box: Box) -> Pad:
    """The padding that the box has around ``want``."""
    before = [first + pad - a for (first, _), pad, (a, _) in zip(want, op.pads, box, strict=False)]
    after = [b - a - size - pad for (a, b), size, pad in zip(box, shape_of(want), before, strict=True)]
    return Pad((*before, *after))


_WANTS: dict[type[Any], Callable[[Op, Sequence[Shape], Box], tuple[Box, ...] | None]] = {
    Conv: _of_window,
    AveragePool: _of_window,
    MaxPool: _of_window,
    Add: _of_elements,
    Table: _of_elements,
    Requantize: _of_elements,
    Slice: _of_slice,
    Reshape: _of_reshape,
    Concat: _of_concat,
    Pad: _of_pad,
}
