"""Thermometer and Gray-like codes: a feature becomes a level of its sample, a level a word of bits.

A sample's n values x have S = sum x and r = isqrt(n sum x^2 - S^2), so that (x - mean) / deviation is (n x - S) / r: no
division is left, and no statistics of the training data.
"""

from __future__ import annotations

from itertools import combinations, islice
from math import isqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Code = Literal["thermometer", "gray"]


def level_count(code: Code, bits: int) -> int:
    """Levels of a code of ``bits`` bits: as many, or one per pair of them."""
    return bits if code == "thermometer" else bits * (bits - 1) // 2


def codebook(code: Code, bits: int) -> NDArray[np.bool_]:
    """The word of every level, (levels, bits).

    Thermometer: level k has k + 1 leading ones. Gray: level 0 has none, each next one flips the next pair of bits
    (i, j), i < j, in lexicographic order.
    """
    if code == "thermometer":
        return np.tri(bits, dtype=bool)
    words = np.zeros((level_count(code, bits), bits), bool)
    for level, pair in enumerate(islice(combinations(range(bits), 2), len(words) - 1), 1):
        words[level] = words[level - 1]
        words[level, list(pair)] ^= True
    return words


def levels(code: Code, bits: int, x: NDArray) -> NDArray[np.int64]:
    """Level 0..levels-1 of every value of the samples x (N, n), integers of at most 16 bits.

    Thermometer levels span 3 standard deviations to either side of the sample's mean, Gray ones half of one. Both
    truncate towards zero, as published. A constant sample gets the middle level.
    """
    x = x.astype(np.int64)
    n, count = x.shape[1], level_count(code, bits)
    total = x.sum(axis=1, keepdims=True)
    variance = n * np.square(x).sum(axis=1, keepdims=True) - total**2
    r = np.array([isqrt(v) for v in variance[:, 0].tolist()], np.int64)[:, None]
    if code == "thermometer":
        at, step = (n * x - total) * 2 * count + 3 * r * (count - 1), 6 * r
    else:
        at, step = (n * x - total) * 2 * count + r * (count - 1), 2 * r
    found = np.clip(at // np.maximum(step, 1), 0, count - 1)
    return np.where(r > 0, found, (count - 1) // 2)
