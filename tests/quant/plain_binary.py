"""Layers on bits once more, in plain Python integers straight from their definitions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from numpy.typing import NDArray

from quant.ops import BinaryConv, BinaryDense, Threshold

Index = tuple[int, ...]
Element = Callable[[Index], int]


def sum_of_dense(op: BinaryDense, x: NDArray) -> Element:
    """n minus twice the number of differing bits."""
    return lambda index: len(x) - 2 * sum(int(a) != int(b) for a, b in zip(x, op.weight[index[0]], strict=True))


def sum_of_conv(op: BinaryConv, x: NDArray) -> Element:
    """+1 where a bit equals its weight, -1 where it does not, nothing where a tap is outside."""

    def value(index: Index) -> int:
        out, *at = index
        total = 0
        for channel, *tap in product(range(len(x)), *map(range, op.kernel)):
            steps = zip(at, op.strides, tap, op.dilations, op.pads, strict=False)
            place = [p * stride + t * dilation - pad for p, stride, t, dilation, pad in steps]
            if all(0 <= p < n for p, n in zip(place, x.shape[1:], strict=True)):
                total += 1 if int(x[(channel, *place)]) == int(op.weight[(out, channel, *tap)]) else -1
        return total

    return value


def binary(op: BinaryDense | BinaryConv, x: NDArray, rescaled: Callable[[int, int], int]) -> Element:
    """``rescaled``: the requantization of a sum for an output."""
    total = sum_of_dense(op, x) if isinstance(op, BinaryDense) else sum_of_conv(op, x)

    def value(index: Index) -> int:
        found = total(index)
        if isinstance(op.finish, Threshold):
            return int(found >= int(op.finish.levels[index[0]]))
        found += int(op.bias[index[0]])
        return found if op.finish is None else rescaled(found, index[0])

    return value
