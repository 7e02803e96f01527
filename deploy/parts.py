"""Operators on parts of tensors: what one reads to compute a part of its output, and the operator that does just that.

Channels are whole in every part that is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeVar, cast

import numpy as np

from deploy.box import Box, contiguous
from deploy.lattice import Lattice, count, plain, read, shape_of, whole, within
from quant.graph import Tensor
from quant.ops import Add, AveragePool, BinaryConv, Concat, Conv, MaxPool, Op, Pad, Requantize, Reshape, Slice, Table

Shape = tuple[int, ...]
Convolution = TypeVar("Convolution", Conv, BinaryConv)
Window = Conv | BinaryConv | AveragePool | MaxPool


@dataclass(frozen=True)
class Part:
    """An operator that computes a part of what it is for.

    Attributes:
        op: on what is stored of its inputs; pads may be negative.
        takes: what of every stored input it reads, where ``op`` does not say; empty: all of them.
    """

    op: Op
    takes: tuple[Box, ...] = ()


def wanted(op: Op, inputs: Sequence[Tensor], box: Lattice) -> tuple[Lattice, ...] | None:
    """What of its inputs (whole tensors) an operator reads to compute ``box``; None: it can only compute everything."""
    rule = _WANTS.get(type(op))
    return rule(op, [x.shape for x in inputs], box) if rule else None


def make_part(op: Op, inputs: Sequence[Tensor], stored: Sequence[Lattice], box: Lattice) -> Part | None:
    """The operator that computes ``box`` from stored parts that hold what is :func:`wanted`; None where it cannot."""
    shapes = [x.shape for x in inputs]
    wants = wanted(op, inputs, box)
    if wants is None:
        everything = all(base == plain(whole(shape)) for base, shape in zip(stored, shapes, strict=True))
        return Part(op) if everything else None
    if isinstance(op, Window):
        return Part(_window(op, stored[0], box))
    found = [tuple(map(within, want, base)) for want, base in zip(wants, stored, strict=True)]
    if isinstance(op, Slice):
        return Part(Slice(found[0]))
    if any(step > 1 for lattice in found for *_, step in lattice):
        return None
    takes = tuple(tuple((first, stop) for first, stop, _ in lattice) for lattice in found)
    if isinstance(op, Reshape):
        return Part(Reshape(shape_of(box)), takes)
    if isinstance(op, Pad):
        return Part(_padded(op, wants[0], box), takes)
    pieces = all(contiguous(take, shape_of(base)) for take, base in zip(takes, stored, strict=True))
    return Part(op, takes) if pieces or isinstance(op, Concat) else None


def _of_window(op: Op, shapes: Sequence[Shape], box: Lattice) -> tuple[Lattice]:
    axes = zip(box[1:], shapes[0][1:], *_geometry(op), strict=True)
    return ((whole(shapes[0])[0], *(read(*axis) for axis in axes)),)


def _geometry(op: Op) -> tuple[Shape, Shape, Shape, Shape]:
    """Kernel, strides, dilations and leading pads, by axis."""
    window = cast(Conv, op)
    rank = len(window.kernel)
    dilations = window.dilations if isinstance(op, Conv | BinaryConv) else (1,) * rank
    return window.kernel, window.strides, dilations, window.pads[:rank]


def _window(op: Window, stored: Lattice, box: Lattice) -> Op:
    """The windows of ``box`` on what is stored, whose steps divide those from window to window and from tap to tap."""
    strides, dilations, before, after = [], [], [], []
    for out, there, kernel, stride, dilation, pad in zip(box[1:], stored[1:], *_geometry(op), strict=True):
        step = there[2]
        strides.append(out[2] * stride // step if count(out) > 1 else 1)
        dilations.append(dilation // step if kernel > 1 else 1)
        before.append((there[0] - out[0] * stride + pad) // step)
        field = (count(out) - 1) * strides[-1] + (kernel - 1) * dilations[-1] + 1
        after.append(field - before[-1] - count(there))
    moved = replace(op, strides=tuple(strides), pads=(*before, *after))
    sizes = shape_of(stored)[1:], shape_of(box)[1:]
    if isinstance(moved, Conv):
        return _on_seen_taps(replace(moved, dilations=tuple(dilations)), *sizes)
    if isinstance(moved, BinaryConv):
        return _on_seen_taps(replace(moved, dilations=tuple(dilations)), *sizes)
    return moved


def _on_seen_taps(op: Convolution, sizes: Shape, outputs: Shape) -> Convolution:
    """The convolution without leading and trailing taps that see padding only, wherever the window lies."""
    weight, pads, rank = op.weight, list(op.pads), len(op.kernel)
    for axis, (size, steps) in enumerate(zip(sizes, outputs, strict=True)):
        starts = np.arange(steps)[:, None] * op.strides[axis] - pads[axis]
        taps = starts + np.arange(op.kernel[axis]) * op.dilations[axis]
        (seen,) = np.nonzero(((taps >= 0) & (taps < size)).any(axis=0))
        first, last = (int(seen[0]), int(seen[-1])) if len(seen) else (0, 0)
        weight = weight.take(range(first, last + 1), axis=2 + axis)
        pads[axis] -= first * op.dilations[axis]
        pads[rank + axis] -= (op.kernel[axis] - 1 - last) * op.dilations[axis]
    return replace(op, weight=weight, pads=tuple(pads))


def _of_elements(op: Op, shapes: Sequence[Shape], box: Lattice) -> tuple[Lattice, ...]:
    return (_free(box),) * len(shapes)


def _free(box: Lattice) -> Lattice:
    """A single element suits any step."""
    return tuple((first, stop, step if count((first, stop, step)) > 1 else 0) for first, stop, step in box)


def _of_slice(op: Op, shapes: Sequence[Shape], box: Lattice) -> tuple[Lattice]:
    axes = zip(_free(box), cast(Slice, op).bounds(shapes[0]), strict=True)
    return (tuple((at + a * step, at + (b - 1) * step + 1, own * step) for (a, b, own), (at, _, step) in axes),)


def _of_reshape(op: Op, shapes: Sequence[Shape], box: Lattice) -> tuple[Lattice] | None:
    """Where only axes of one element come and go, the others keep their ranges."""
    elements = prod(shapes[0])
    free = elements // prod(n for n in cast(Reshape, op).shape if n != -1)
    shape = [free if n == -1 else n for n in cast(Reshape, op).shape]
    lines = [line for line, n in zip(_free(box), shape, strict=True) if n > 1]
    if [n for n in shape if n > 1] != [n for n in shapes[0] if n > 1]:
        return None
    return (tuple(lines.pop(0) if n > 1 else (0, 1, 0) for n in shapes[0]),)


def _of_concat(op: Op, shapes: Sequence[Shape], box: Lattice) -> tuple[Lattice, ...] | None:
    """The other axes keep their ranges; along the joined one everything is needed."""
    axis, free = cast(Concat, op).axis, _free(box)
    if count(box[axis]) != sum(shape[axis] for shape in shapes):
        return None
    return tuple((*free[:axis], (0, shape[axis], 1), *free[axis + 1 :]) for shape in shapes)


def _of_pad(op: Op, shapes: Sequence[Shape], box: Lattice) -> tuple[Lattice] | None:
    """What of the input lies in the part, on every axis."""
    lines: list[tuple[int, int, int]] = []
    for (first, stop, step), size, before in zip(_free(box), shapes[0], cast(Pad, op).pads, strict=False):
        at = [i for i in range(first - before, stop - before, step or 1) if 0 <= i < size]
        if not at:
            return None
        lines.append((at[0], at[-1] + 1, step))
    return (tuple(lines),)


def _padded(op: Pad, want: Lattice, box: Lattice) -> Pad:
    """The padding that the part has around ``want``."""
    axes = zip(want, box, op.pads, strict=False)
    before = [(line[0] + pad - first) // step for line, (first, _, step), pad in axes]
    after = [count(line) - count(inner) - pad for line, inner, pad in zip(box, want, before, strict=True)]
    return Pad((*before, *after))


_WANTS: dict[type[Any], Callable[[Op, Sequence[Shape], Lattice], tuple[Lattice, ...] | None]] = {
    Conv: _of_window,
    BinaryConv: _of_window,
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
