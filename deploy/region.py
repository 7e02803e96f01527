"""A box of a tensor in its storage order, and how the DMA sees it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from deploy.box import Range
from deploy.kernels.packing import hwc
from quant.graph import Tensor


@dataclass(frozen=True)
class Region:
    """Rows, columns and channels of a channels-last tensor; a flat tensor has channels only.

    Attributes:
        size: (height, width, channels) of the whole tensor.
        ranges: first and one past the last of each.
        item: bytes per element.
    """

    size: tuple[int, int, int]
    ranges: tuple[Range, Range, Range]
    item: int

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
        (top, _), (left, _), (first, _) = self.ranges
        return ((top * self.size[1] + left) * self.size[2] + first) * self.item

    @property
    def lines(self) -> tuple[int, int, int, int, int]:
        """(length, lines, planes, line stride, plane stride) in bytes, with as few lines and planes as there are."""
        (height, width, channels), (_, in_row, in_pixel) = self.shape, self.size
        pixel, row = in_pixel * self.item, in_row * in_pixel * self.item
        if channels < in_pixel:
            return channels * self.item, width, height, pixel, row
        if width < in_row:
            return width * pixel, height, 1, row, 0
        return height * row, 1, 1, 0, 0


def whole(tensor: Tensor) -> Region:
    """All of a tensor that is stored channels-last."""
    height, width, channels = hwc(tensor)
    return Region((height, width, channels), ((0, height), (0, width), (0, channels)), tensor.dtype.bits // 8)


def flat(tensor: Tensor) -> Region:
    """All elements of a tensor in storage order, whatever that is."""
    return Region((1, 1, tensor.elements), ((0, 1), (0, 1), (0, tensor.elements)), tensor.dtype.bits // 8)
