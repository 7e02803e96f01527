"""A box of a tensor in its storage order, and how the DMA sees it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TypeVar

from deploy.box import Range
from deploy.kernels.packing import hwc
from deploy.layout import Layout
from quant.bits import nbytes
from quant.dtypes import DType
from quant.graph import Tensor

Axis = TypeVar("Axis")


@dataclass(frozen=True)
class Region:
    """Rows, columns and channels of a tensor; a flat tensor has channels only.

    Attributes:
        size: (height, width, channels) of the whole tensor.
        ranges: first and one past the last of each.
        item: bytes per element.
        order: the three axes as they are stored, outermost first.
    """

    size: tuple[int, int, int]
    ranges: tuple[Range, Range, Range]
    item: int
    order: tuple[int, int, int] = (0, 1, 2)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the box."""
        height, width, channels = (stop - start for start, stop in self.ranges)
        return height, width, channels

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.item

    @property
    def whole(self) -> bool:
        return self.shape == self.size

    @property
    def offset(self) -> int:
        """Byte offset of its first element in the tensor."""
        (outer, _), (middle, _), (inner, _) = self.stored(self.ranges)
        _, in_outer, in_middle = self.stored(self.size)
        return ((outer * in_outer + middle) * in_middle + inner) * self.item

    @property
    def lines(self) -> tuple[int, int, int, int, int]:
        """(length, lines, planes, line stride, plane stride) in bytes, with as few lines and planes as there are."""
        (planes, lines, length), (_, in_plane, in_line) = self.stored(self.shape), self.stored(self.size)
        line, plane = in_line * self.item, in_plane * in_line * self.item
        if length < in_line:
            return length * self.item, lines, planes, line, plane
        if lines < in_plane:
            return lines * line, planes, 1, plane, 0
        return planes * plane, 1, 1, 0, 0

    def stored(self, axes: tuple[Axis, Axis, Axis]) -> tuple[Axis, Axis, Axis]:
        """Something of height, width and channels in the order of storage."""
        first, second, third = (axes[axis] for axis in self.order)
        return first, second, third


def whole(tensor: Tensor, layout: Layout | None = None) -> Region:
    """All of a tensor (channels-last without ``layout``), whose layout permutes its own axes."""
    height, width, channels = hwc(tensor)
    ranges = (0, height), (0, width), (0, channels)
    return Region((height, width, channels), ranges, tensor.dtype.bits // 8, _order(tensor, layout))


def _order(tensor: Tensor, layout: Layout | None) -> tuple[int, int, int]:
    """Height, width and channels as ``layout`` stores them; axes of one element may lie anywhere."""
    rank = len(tensor.shape)
    if layout is None or rank < 2 or layout.view != tensor.shape:
        return 0, 1, 2
    axes = [2, *range(3 - rank, 2)]  # of the tensor's own (channel first)
    first, second, third = [0] * (3 - rank) + [axes[axis] for axis in layout.perm]
    return first, second, third


def by_bytes(tensor: Tensor) -> Region:
    """All of a channels-last tensor; of bits, a position's bytes are its channels."""
    if tensor.dtype is not DType.B1:
        return whole(tensor)
    height, width, channels = hwc(tensor)
    row = nbytes(channels)
    return Region((height, width, row), ((0, height), (0, width), (0, row)), 1)


def flat(tensor: Tensor) -> Region:
    """All elements of a tensor in storage order, whatever that is; of bits, all bytes."""
    count, item = (tensor.nbytes, 1) if tensor.dtype is DType.B1 else (tensor.elements, tensor.dtype.bits // 8)
    return Region((1, 1, count), ((0, 1), (0, 1), (0, count)), item)
