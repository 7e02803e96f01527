"""The operators on bits once more, in plain Python integers straight from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from quant.ops import ArgMin, Bind, Bundle, Hamming, Op

Index = tuple[int, ...]
Element = Callable[[Index], int]


def bind(op: Bind, xs: Sequence[NDArray]) -> Element:
    if op.seed is not None:
        return seeded(op.seed, xs[0])
    key = xs[1] if op.key is None else op.key
    return lambda i: int(int(xs[0][i]) != int(key[i]))


def seeded(seed: int, x: NDArray) -> Element:
    """Bit by bit from the definition of SplitMix64."""

    def value(i: Index) -> int:
        position = int(np.ravel_multi_index(i[1:], x.shape[1:])) if x.ndim > 1 else 0
        z = seed + (position * -(-len(x) // 64) + i[0] // 64 + 1) * 0x9E3779B97F4A7C15
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            z %= 1 << 64
            z = (z ^ (z >> shift)) * factor
        return int(x[i]) ^ (z >> i[0] % 64 & 1)

    return value


def bundle(op: Bundle, xs: Sequence[NDArray]) -> Element:
    def value(index: Index) -> int:
        ones = sum(int(v) for v in xs[0][index[0]])
        return ones % 2 if op.mode == "xor" else int(ones > len(xs[0][0]) // 2)

    return value


def hamming(op: Hamming, xs: Sequence[NDArray]) -> Element:
    memory = xs[1] if op.memory is None else op.memory

    def value(index: Index) -> int:
        if op.counted and int(xs[-1][index]) <= 0:
            return len(xs[0]) + 1
        rows = range(index[0] * op.centroids, (index[0] + 1) * op.centroids)
        return min(sum(int(a) != int(b) for a, b in zip(xs[0], memory[:, row], strict=True)) for row in rows)

    return value


def argmin(op: ArgMin, xs: Sequence[NDArray]) -> Element:
    def value(i: Index) -> int:
        line = [int(xs[0][(*i[: op.axis], j, *i[op.axis + 1 :])]) for j in range(xs[0].shape[op.axis])]
        return line.index(min(line))

    return value


def bit_element(op: Op, xs: Sequence[NDArray]) -> Element | None:
    """The function from an output index to its value; None for operators that are defined elsewhere."""
    if isinstance(op, Bind):
        return bind(op, xs)
    if isinstance(op, Bundle):
        return bundle(op, xs)
    if isinstance(op, Hamming):
        return hamming(op, xs)
    if isinstance(op, ArgMin):
        return argmin(op, xs)
    return None
