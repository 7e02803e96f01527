"""The operators that make bits once more, in plain Python integers straight from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations
from math import isqrt

from numpy.typing import NDArray

from quant.ops import Binarize, LevelEncode, Op

Index = tuple[int, ...]
Element = Callable[[Index], int]


def binarize(op: Binarize, x: NDArray) -> Element:
    return lambda i: int(int(x[i]) >= int(op.threshold[i[0]] if op.threshold.ndim else op.threshold))


@cache
def gray_word(bits: int, level: int) -> list[int]:
    """``level`` flips from the word of zeros on."""
    word = [0] * bits
    for pair in list(combinations(range(bits), 2))[:level]:
        for bit in pair:
            word[bit] ^= 1
    return word


def level(op: LevelEncode, sample: list[int], value: int) -> int:
    """The number of level borders that the value has reached."""
    n, q = len(sample), op.levels
    total, squares = sum(sample), sum(v * v for v in sample)
    r = isqrt(n * squares - total * total)
    if r == 0:
        return (q - 1) // 2
    span = 3 * r if op.code == "thermometer" else r
    return sum((n * value - total) * 2 * q + span * (q - 1) >= 2 * span * k for k in range(1, q))


def level_encode(op: LevelEncode, x: NDArray) -> Element:
    def value(index: Index) -> int:
        feature, bit = divmod(index[0], op.bits)
        sample = [int(v) for v in x[(slice(None), *index[1:])]]
        reached = level(op, sample, sample[feature])
        return int(bit <= reached) if op.code == "thermometer" else gray_word(op.bits, reached)[bit]

    return value


def encoded(op: Op, xs: Sequence[NDArray]) -> Element | None:
    """The function from an output index to its bit; None for operators that are defined elsewhere."""
    if isinstance(op, Binarize):
        return binarize(op, xs[0])
    if isinstance(op, LevelEncode):
        return level_encode(op, xs[0])
    return None
