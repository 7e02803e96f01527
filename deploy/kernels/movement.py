"""Operators that only move data: concat, slice, pad; reshape and transpose where the storage order changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.box import slices
from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.layout import Layout
from quant.dtypes import DType
from quant.ops import Concat, Pad, Reshape, Slice, Transpose

Index = NDArray[np.int64]
DIMENSIONS = 6  # of ek_copy_geometry


def positions(layout: Layout, shape: tuple[int, ...]) -> Index:
    """Storage position of every logical element, in logical ``shape``."""
    return layout.load(np.arange(len(layout.order)), shape)


def taken(site: Site, position: int = 0) -> Index:
    """Storage position of every logical element that the operator takes of an input, in the shape of that box."""
    x = site.inputs[position]
    return positions(site.layouts[position], x.shape)[slices(site.take(position))]


def loops(source: Index, target: Index) -> list[tuple[int, int, int]] | None:
    """Nested loops (size, step of source, step of target), outermost first, that visit these flat positions in order.

    Found from the inside out: the longest run of constant steps that repeats throughout is a loop. None where there is
    no such nest.
    """
    rows = np.stack([source, target])
    nest: list[tuple[int, int, int]] = []
    while rows.shape[1] > 1:
        steps = rows[:, 1] - rows[:, 0]
        broken = np.nonzero((np.diff(rows, axis=1) != steps[:, None]).any(axis=0))[0]
        size = int(broken[0]) + 1 if len(broken) else rows.shape[1]
        while not _repeats(rows, size, steps):
            size -= 1
        nest.append((size, int(steps[0]), int(steps[1])))
        rows = rows[:, ::size]
        if size == 1:
            return None
    return nest[::-1]


def _repeats(rows: Index, size: int, steps: Index) -> bool:
    if rows.shape[1] % size:
        return False
    blocks = rows.reshape(2, -1, size)
    return bool((blocks == blocks[:, :, :1] + steps[:, None, None] * np.arange(size)).all())


def copy_call(source: Index, target: Index, dtype: DType, which: int = 0) -> Call:
    """Copies element source[i] of input ``which`` to target[i] of the output, for all i."""
    order = np.argsort(target, kind="stable")
    source, target = source[order], target[order]
    nest = loops(source, target)
    size = dtype.bits // 8
    if nest is None or len(nest) > DIMENSIONS:
        indices = Array("source", "uint32_t", source), Array("target", "uint32_t", target)
        return Call("ek_scatter", ("ek_scatter_geometry", {"bytes": size, "elements": len(source)}), (which,), indices)
    nest = [(1, 0, 0)] * (DIMENSIONS - len(nest)) + nest
    fields = {"bytes": size}
    for label, column in zip(("size", "from", "to"), zip(*nest, strict=True), strict=True):
        fields |= {f"{label}[{i}]": value for i, value in enumerate(column)}
    fields |= {"from_offset": int(source[0]), "to_offset": int(target[0])}
    return Call("ek_copy", ("ek_copy_geometry", fields), (which,))


def copies_nothing(site: Site) -> bool:
    """Whether a reshape or transpose finds every element where its output has it."""
    if isinstance(site.op, Transpose):
        source = positions(site.layouts[0], site.inputs[0].shape).transpose(site.op.perm)
        return bool(np.array_equal(source, positions(site.out_layout, site.output.shape)))
    return isinstance(site.op, Reshape) and site.layouts[0].same_order(site.out_layout)


class Movement(Kernel):
    """Copies between any two storage orders."""

    header = "copy.h"
    any_layout = True

    def skipped(self, site: Site, position: int) -> int:
        return 0  # the copies begin where they have to

    def cycles(self, site: Site) -> float:
        return 6.0 * site.output.elements


class PortableReshape(Movement):
    """``ek_copy``: a change of storage order."""

    name = "reorder"
    op = Reshape

    def calls(self, site: Site) -> Sequence[Call]:
        y = site.output
        return [copy_call(taken(site).ravel(), positions(site.out_layout, y.shape).ravel(), y.dtype)]


class PortableTranspose(Movement):
    """``ek_copy`` with the steps of the axes in their new order."""

    name = "transpose"
    op = Transpose

    def calls(self, site: Site) -> Sequence[Call]:
        source = taken(site).transpose(cast(Transpose, site.op).perm)
        return [copy_call(source.ravel(), positions(site.out_layout, site.output.shape).ravel(), site.output.dtype)]


class PortableConcat(Movement):
    """``ek_copy`` per input."""

    name = "concat"
    op = Concat

    def calls(self, site: Site) -> Sequence[Call]:
        axis, y = cast(Concat, site.op).axis, site.output
        sources = [taken(site, which) for which in range(len(site.inputs))]
        ends = np.cumsum([source.shape[axis] for source in sources])
        parts = np.split(positions(site.out_layout, y.shape), ends[:-1], axis)
        return [
            copy_call(source.ravel(), part.ravel(), y.dtype, which)
            for which, (source, part) in enumerate(zip(sources, parts, strict=True))
        ]


class PortableSlice(Movement):
    """``ek_copy`` with steps."""

    name = "slice"
    op = Slice

    def calls(self, site: Site) -> Sequence[Call]:
        x, y = site.inputs[0], site.output
        window = tuple(slice(*bounds) for bounds in cast(Slice, site.op).bounds(x.shape))
        source = positions(site.layouts[0], x.shape)[window]
        return [copy_call(source.ravel(), positions(site.out_layout, y.shape).ravel(), x.dtype)]


class PortablePad(Movement):
    """``ek_fill`` with the zero point, then ``ek_copy``."""

    name = "pad"
    op = Pad

    def calls(self, site: Site) -> Sequence[Call]:
        source, y, pads = taken(site), site.output, cast(Pad, site.op).pads
        inner = tuple(slice(before, before + n) for before, n in zip(pads, source.shape, strict=False))
        target = positions(site.out_layout, y.shape)[inner]
        fill = Call("ek_fill", ("ek_fill_geometry", {"elements": y.elements, "value": y.zero_point}))
        return [fill, copy_call(source.ravel(), target.ravel(), y.dtype)]
