"""The operators that make bits once more, in plain Python integers straight from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations
from math import isqrt

from numpy.typing import NDArray

from quant.ops import Binarize, LevelEncode, Op, Project

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


MASK = 2**64 - 1


def word(seed: int, index: int) -> int:
    """SplitMix64."""
    z = (seed + (index + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


@cache
def entries(op: Project, values: int, row: int) -> list[tuple[int, int]]:
    """(value, entry) of a row, over all positions."""

    def half(index: int) -> int:
        per_row = -(-values // op.block if op.distribution == "sparse" else -values)
        width = -(-per_row // op.per_word)
        return word(op.seed, row * width + index // 2) >> 32 * (index % 2) & 0xFFFFFFFF

    if op.distribution == "gaussian":
        octet = [0, 2, 1, 3]
        return [(i, (half(i // 4) >> 8 * octet[i % 4] & 0xFF).bit_count() - 4) for i in range(values)]
    if op.block == 1:
        return [(i, -1 if half(i // 32) >> (i % 32 // 2 + 16 * (i % 2)) & 1 else 1) for i in range(values)]
    found = []
    for k, start in enumerate(range(0, values, op.block)):
        if k % (op.per_word // 2) == 0:
            drawn = fraction = half(k // (op.per_word // 2))
        place, fraction = divmod(fraction * min(op.block, values - start), 2**32)
        found.append((start + place, -1 if drawn >> k % (op.per_word // 2) & 1 else 1))
    return found


def project(op: Project, x: NDArray) -> Element:
    def value(index: Index) -> int:
        row, *position = index
        sample = [int(v) for v in x[(slice(None), *position)]]
        first = op.dimension * position[0] if position else 0
        return int(sum(sample[i] * entry for i, entry in entries(op, len(sample), first + row)) >= 0)

    return value


def encoded(op: Op, xs: Sequence[NDArray]) -> Element | None:
    """The function from an output index to its bit; None for operators that are defined elsewhere."""
    if isinstance(op, Binarize):
        return binarize(op, xs[0])
    if isinstance(op, LevelEncode):
        return level_encode(op, xs[0])
    if isinstance(op, Project):
        return project(op, xs[0])
    return None
