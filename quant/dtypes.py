"""Element types of the integer graph and how many bytes they take in memory."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import prod

import numpy as np
from numpy.typing import NDArray

from quant import bits


class DType(Enum):
    """``b1`` is one bit per element: logical value 0 or 1.

    In memory the bits of one position, its channels, are packed into 32-bit words (:mod:`quant.bits`), one position
    after the other; all other types lie in logical (row-major) order unless a layout says otherwise.
    """

    S8 = "s8"
    S16 = "s16"
    S32 = "s32"
    B1 = "b1"

    @property
    def bits(self) -> int:
        return {"s8": 8, "s16": 16, "s32": 32, "b1": 1}[self.value]

    @property
    def low(self) -> int:
        """Smallest value an element can hold."""
        return 0 if self is DType.B1 else -(1 << (self.bits - 1))

    @property
    def high(self) -> int:
        """Largest value an element can hold."""
        return 1 if self is DType.B1 else (1 << (self.bits - 1)) - 1

    @property
    def numpy(self) -> np.dtype:
        """The NumPy type that holds one *logical* element (``b1``: bool, unpacked)."""
        return np.dtype({"s8": "i1", "s16": "<i2", "s32": "<i4", "b1": "?"}[self.value])

    def nbytes(self, shape: Sequence[int]) -> int:
        """Bytes that a tensor of ``shape`` (channel first, without batch) takes in memory."""
        if self is DType.B1:
            return prod(shape[1:]) * bits.nbytes(shape[0])
        return prod(shape) * self.bits // 8


def to_bytes(values: NDArray, dtype: DType) -> bytes:
    """The memory image of ``values`` (integers, channel first), as firmware stores it."""
    if dtype is DType.B1:
        return bits.pack(np.moveaxis(values, 0, -1)).tobytes()
    return np.ascontiguousarray(values, dtype=dtype.numpy).tobytes()


def from_bytes(data: bytes, dtype: DType, shape: tuple[int, ...]) -> NDArray:
    """Inverse of :func:`to_bytes`; returns logical elements of ``dtype.numpy`` in ``shape``."""
    if dtype is DType.B1:
        words = np.frombuffer(data, "<u4", dtype.nbytes(shape) // 4).reshape(*shape[1:], -1)
        return np.moveaxis(bits.unpack(words, shape[0]), -1, 0)
    return np.frombuffer(data, dtype.numpy, prod(shape)).reshape(shape)
