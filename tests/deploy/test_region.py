"""Boxes as the DMA sees them."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import pytest

from deploy.box import Range
from deploy.kernels.base import Order
from deploy.layout import channels_last, column_by_column, planar
from deploy.region import Region, flat, whole
from quant.dtypes import DType
from quant.graph import Tensor


@pytest.mark.parametrize(
    ("ranges", "lines"),
    [
        (((0, 4), (0, 5), (0, 6)), (4 * 5 * 6, 1, 1)),
        (((1, 3), (0, 5), (0, 6)), (2 * 5 * 6, 1, 1)),
        (((1, 3), (2, 4), (0, 6)), (2 * 6, 2, 1)),
        (((1, 3), (2, 5), (1, 3)), (2, 3, 2)),
    ],
)
@pytest.mark.parametrize("item", [1, 2, 4])
def test_lines_visit_the_box_in_order(
    ranges: tuple[Range, Range, Range], lines: tuple[int, int, int], item: int
) -> None:
    region = Region((4, 5, 6), ranges, item)
    length, count, planes, line_stride, plane_stride = region.lines
    assert (length, count, planes) == (lines[0] * item, *lines[1:])
    at = [
        region.offset + plane * plane_stride + line * line_stride + byte
        for plane in range(planes)
        for line in range(count)
        for byte in range(length)
    ]
    elements = np.arange(4 * 5 * 6 * item).reshape(4, 5, 6 * item)
    (top, bottom), (left, right), (first, last) = ranges
    assert at == elements[top:bottom, left:right, first * item : last * item].ravel().tolist()
    assert region.bytes == len(at)


@pytest.mark.parametrize("order", [channels_last, planar, column_by_column])
@pytest.mark.parametrize("shape", [(6, 4, 5), (6, 4)])
@pytest.mark.parametrize("item", [1, 2])
def test_boxes_of_any_storage_order(order: Order, shape: tuple[int, ...], item: int) -> None:
    full = whole(Tensor("x", shape, DType.S8 if item == 1 else DType.S16), order(shape))
    ranges = (1, 3) if len(shape) > 2 else (0, 1), (1, 4), (2, 5)
    region = replace(full, ranges=ranges)
    length, count, planes, line_stride, plane_stride = region.lines
    at = [
        region.offset + plane * plane_stride + line * line_stride + byte
        for plane in range(planes)
        for line in range(count)
        for byte in range(length)
    ]
    stored = order(shape).store(np.arange(prod(shape)))
    inside = np.zeros(shape, bool)
    inside[(slice(2, 5), *(slice(*bounds) for bounds in ranges[3 - len(shape) : 2]))] = True
    wanted = np.flatnonzero(inside.ravel()[stored])
    assert at[::item] == (wanted * item).tolist()
    assert region.bytes == len(at)


def test_whole_tensors() -> None:
    image = whole(Tensor("x", (6, 4, 5), DType.S8))
    assert (image.size, image.whole, image.offset) == ((4, 5, 6), True, 0)
    assert whole(Tensor("x", (3, 7), DType.S16)).bytes == 42
    assert flat(Tensor("x", (3, 7), DType.S16)).size == (1, 1, 21)
