"""SplitMix64: the generator of everything a device makes again from a seed instead of storing it.

Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the mixing constants of
Vigna's public-domain version. Its state is a counter, so that any word can be had at once: word i of a seed is
mix(seed + (i + 1) * GAMMA). ``firmware/kernels/splitmix.h`` is the same in C.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GAMMA = 0x9E3779B97F4A7C15
MULTIPLIERS = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
SHIFTS = 30, 27, 31
SEEDS = 1 << 64


def words(seed: int, first: int, count: int) -> NDArray[np.uint64]:
    """Words ``first`` to ``first + count - 1`` of ``seed`` (0 <= seed < 2**64), arithmetic modulo 2**64."""
    z = np.arange(first + 1, first + count + 1, dtype=np.uint64) * np.uint64(GAMMA) + np.uint64(seed)
    for shift, multiplier in zip(SHIFTS, MULTIPLIERS, strict=False):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(multiplier)
    return z ^ (z >> np.uint64(SHIFTS[-1]))


def bits(seed: int, first: int, count: int) -> NDArray[np.bool_]:
    """``count`` fair bits from word ``first`` on, the least significant bit of each word first."""
    octets = words(seed, first, -(-count // 64)).astype("<u8").view(np.uint8)
    return np.unpackbits(octets, count=count, bitorder="little").astype(bool)
