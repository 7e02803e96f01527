"""Element types of the integer graph and how many bytes they take in memory."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray


class DType(Enum):
    """``b1`` is one bit per element: logical value 0 or 1, packed LSB first, zero bits in the tail."""

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

    def nbytes(self, elements: int) -> int:
        """Bytes that ``elements`` elements take in memory."""
        return (elements * self.bits + 7) // 8


def to_bytes(values: NDArray, dtype: DType) -> bytes:
    """The memory image of ``values`` (any integer array, row-major), as firmware stores it."""
    if dtype is DType.B1:
        return np.packbits(values.astype(bool).ravel(), bitorder="little").tobytes()
    return np.ascontiguousarray(values, dtype=dtype.numpy).tobytes()


def from_bytes(data: bytes, dtype: DType, shape: tuple[int, ...]) -> NDArray:
    """Inverse of :func:`to_bytes`; returns logical elements of ``dtype.numpy`` in ``shape``."""
    count = int(np.prod(shape))
    if dtype is DType.B1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:count]
        return bits.astype(bool).reshape(shape)
    return np.frombuffer(data, dtype.numpy, count).reshape(shape)
