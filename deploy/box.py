"""A box of a tensor in its logical axes, channels first: one range per axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

Range = tuple[int, int]  # first and one past the last
Box = tuple[Range, ...]


def whole(shape: tuple[int, ...]) -> Box:
    """All of a tensor."""
    return tuple((0, size) for size in shape)


def slices(box: Sequence[tuple[int, ...]]) -> tuple[slice, ...]:
    """As an index of an array; ranges may have a step."""
    return tuple(slice(*bounds) for bounds in box)


def contiguous(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether the box is one piece of a tensor of ``shape`` that is stored channels-last."""
    stored, sizes = (*box[1:], box[0]), (*shape[1:], shape[0])
    lengths = [stop - start for start, stop in stored]
    first = next((axis for axis, length in enumerate(lengths) if length > 1), len(lengths))
    return lengths[first + 1 :] == list(sizes[first + 1 :])


def start(box: Box, shape: tuple[int, ...]) -> int:
    """Elements before the box's first one in a tensor of ``shape`` that is stored channels-last."""
    sizes = (*shape[1:], shape[0])
    firsts = [first for first, _ in (*box[1:], box[0])]
    return sum(first * prod(sizes[axis + 1 :]) for axis, first in enumerate(firsts))
