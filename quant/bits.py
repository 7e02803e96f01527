"""Bits as memory holds them: packed along the last axis into words, least significant bit first, zeros in the tail.

Firmware works on 32-bit words. NumPy is faster on 64-bit ones, which are the same bytes and one more word of zeros
where the number of 32-bit words is odd.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WORD = 32


def nbytes(count: int) -> int:
    """Bytes that ``count`` bits take, in whole 32-bit words."""
    return -(-count // WORD) * 4


def pack(values: NDArray) -> NDArray[np.uint32]:
    """uint32 words (..., ceil(D / 32)) of values (..., D); whatever is not 0 is a 1."""
    return _packed(values, WORD).view("<u4")


def unpack(words: NDArray, count: int) -> NDArray[np.bool_]:
    """Inverse of :func:`pack` and :func:`pack64`: bits (..., count) of words of any width."""
    octets = np.ascontiguousarray(words).view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=count, bitorder="little").astype(bool)


def pack64(values: NDArray) -> NDArray[np.uint64]:
    """uint64 words (..., ceil(D / 64)) of values (..., D)."""
    return _packed(values, 2 * WORD).view("<u8")


def hamming(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Distances (N, C) between packed rows a (N, W) and b (C, W)."""
    rows = [np.bitwise_count(a ^ row).sum(axis=-1, dtype=np.int64) for row in b]
    return np.stack(rows, axis=-1)


def _packed(values: NDArray, width: int) -> NDArray[np.uint8]:
    octets = np.packbits(np.asarray(values).astype(bool), axis=-1, bitorder="little")
    tail = [(0, 0)] * (octets.ndim - 1) + [(0, -octets.shape[-1] % (width // 8))]
    return np.ascontiguousarray(np.pad(octets, tail))
