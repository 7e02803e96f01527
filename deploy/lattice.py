"""Elements at equal distances along every axis of a tensor: what of it somebody reads."""

from __future__ import annotations

from math import gcd

Line = tuple[int, int, int]
"""First, one past the last, and the step between them; step 0: one element, which suits any step."""
Lattice = tuple[Line, ...]


def whole(shape: tuple[int, ...]) -> Lattice:
    """All of a tensor."""
    return tuple((0, size, 1) for size in shape)


def count(line: Line) -> int:
    """Elements along an axis."""
    first, stop, step = line
    return -(-(stop - first) // (step or 1))


def shape_of(lattice: Lattice) -> tuple[int, ...]:
    return tuple(map(count, lattice))


def joined(one: Lattice, other: Lattice) -> Lattice:
    """The sparsest lattice that holds both."""
    return tuple(map(_joined, one, other))


def _joined(one: Line, other: Line) -> Line:
    return min(one[0], other[0]), max(one[1], other[1]), gcd(one[2], other[2], one[0] - other[0])


def thinned(lattice: Lattice, steps: tuple[int, ...]) -> Lattice:
    """The lattice made as dense as ``steps``, which may divide its own."""
    lines = zip(lattice, steps, strict=True)
    return tuple((first, stop, gcd(own, step) if own else 0) for (first, stop, own), step in lines)


def plain(lattice: Lattice) -> Lattice:
    """The same elements; step 1 where there is but one."""
    return tuple(line if count(line) > 1 else (line[0], line[0] + 1, 1) for line in lattice)


def within(line: Line, stored: Line) -> Line:
    """``line`` counted in elements of ``stored``, which holds it."""
    first, step = (line[0] - stored[0]) // stored[2], line[2] // stored[2] if count(line) > 1 else 1
    return first, first + (count(line) - 1) * step + 1, step


def read(out: Line, size: int, kernel: int, stride: int, dilation: int, pad: int) -> Line:
    """What the windows of outputs ``out`` read along an axis of ``size``.

    Windows that read nothing but padding get the element next to it, on a lattice that holds all taps.
    """
    first, stop, step = out
    apart = gcd(step * stride if count(out) > 1 else 0, dilation if kernel > 1 else 0)
    start, last = first * stride - pad, (stop - 1) * stride - pad + (kernel - 1) * dilation
    low = start + -(min(start, 0) // (apart or 1)) * apart
    high = start + (min(last, size - 1) - start) // (apart or 1) * apart
    if 0 <= low <= high < size:
        return low, high + 1, apart
    nearest = min(max(start, 0), size - 1)
    return nearest, nearest + 1, 1
