"""Requantization, the one form in which every operator changes scale.

    y = clip(z + ((acc * m + a) >> s), lo, hi)

``acc`` and ``m`` are int32, ``a`` and the product int64, the shift is arithmetic and 1 <= s <= 62. ``a`` defaults to
2^(s-1), which rounds once, ties toward +infinity. ``m``, ``a`` and ``s`` hold one value per output channel, or one for
the whole tensor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quant.dtypes import DType

LIMIT = 1 << 62


def fixed_point(real: float) -> tuple[int, int]:
    """``(m, s)`` with m * 2^-s as near to ``real`` as a 31-bit mantissa and s <= 62 allow.

    The relative error is at most 2^-31, or the absolute one 2^-63 where ``real`` is below 2^-32.

    Raises:
        ValueError: ``real`` is not a finite number in 2^-63 .. 2^30.
    """
    if not (math.isfinite(real) and 0.0 < real < 2.0**30):
        raise ValueError(f"a requantization factor must be finite, positive and below 2^30, not {real!r}")
    mantissa, exponent = math.frexp(real)
    s = min(31 - exponent, 62)
    m = round(math.ldexp(mantissa, s + exponent))
    if m == 0:
        raise ValueError(f"the requantization factor {real!r} is too small for s <= 62")
    if m < 2**31:
        return m, s
    return (2**30, s - 1) if s > 1 else (2**31 - 1, 1)


@dataclass(frozen=True, eq=False)
class Requant:
    """Factors of one requantization.

    Attributes:
        m, a, s: int64 arrays of one shape, ``(channels,)`` or ``()``.
        zero_point, lo, hi: output zero point and clipping bounds in output integers.
        dtype: type of the output, s8 or s16.
    """

    m: NDArray[np.int64]
    a: NDArray[np.int64]
    s: NDArray[np.int64]
    zero_point: int
    lo: int
    hi: int
    dtype: DType = DType.S8

    @classmethod
    def of(
        cls,
        m: ArrayLike,
        s: ArrayLike,
        *,
        a: ArrayLike | None = None,
        zero_point: int,
        lo: int,
        hi: int,
        dtype: DType = DType.S8,
    ) -> Requant:
        """From integers; ``a`` defaults to 2^(s-1)."""
        m_, s_ = np.asarray(m, np.int64), np.asarray(s, np.int64)
        a_ = np.left_shift(np.int64(1), s_ - 1) if a is None else np.asarray(a, np.int64)
        m_, a_, s_ = (np.array(v) for v in np.broadcast_arrays(m_, a_, s_))
        return cls(m_, a_, s_, zero_point, lo, hi, dtype)

    @classmethod
    def from_real(cls, real: ArrayLike, *, zero_point: int, lo: int, hi: int, dtype: DType = DType.S8) -> Requant:
        """From real factors (float64 quotients of scales), rounded by :func:`fixed_point`."""
        factors = np.asarray(real, np.float64)
        pairs = [fixed_point(float(value)) for value in factors.ravel()]
        m = np.array([pair[0] for pair in pairs], np.int64).reshape(factors.shape)
        s = np.array([pair[1] for pair in pairs], np.int64).reshape(factors.shape)
        return cls.of(m, s, zero_point=zero_point, lo=lo, hi=hi, dtype=dtype)

    @property
    def channels(self) -> int | None:
        """Number of channels, or None where one factor serves the whole tensor."""
        return None if self.m.ndim == 0 else int(self.m.shape[0])

    @property
    def high_word_only(self) -> bool:
        """Whether ``(hi32(acc*m) + a/2^32) >> (s-32)`` gives the same value: 2^32 divides ``a`` and s >= 33."""
        return bool(np.all(self.s >= 33) and np.all(self.a % (1 << 32) == 0))

    def apply(self, acc: NDArray[np.int64], axis: int = 1) -> NDArray[np.int64]:
        """Requantize ``acc`` (int64, any shape); per-channel factors run along ``axis``."""
        m, a, s = (self._along(v, acc.ndim, axis) for v in (self.m, self.a, self.s))
        return self.finish(acc * m + a, s)

    def finish(self, total: NDArray[np.int64], s: NDArray[np.int64]) -> NDArray[np.int64]:
        """Shift, zero point and clip of an already multiplied ``total``."""
        return np.clip(self.zero_point + np.right_shift(total, s), self.lo, self.hi)

    @staticmethod
    def _along(values: NDArray[np.int64], ndim: int, axis: int) -> NDArray[np.int64]:
        return values if values.ndim == 0 else values.reshape([-1 if i == axis else 1 for i in range(ndim)])

    def faults(self) -> Iterator[str]:
        """What is out of range in these factors; nothing when all is well."""
        low, high = self.dtype.low, self.dtype.high
        if np.any(self.m < -(2**31)) or np.any(self.m >= 2**31):
            yield "m is outside int32"
        if np.any(self.s < 1) or np.any(self.s > 62):
            yield f"s is outside 1..62 (found {int(self.s.min())}..{int(self.s.max())})"
        if not low <= self.lo <= self.hi <= high:
            yield f"clip bounds [{self.lo}, {self.hi}] are outside [{low}, {high}]"
        if not low <= self.zero_point <= high:
            yield f"zero point {self.zero_point} is outside [{low}, {high}]"

    def overflow(self, bound: NDArray[np.int64] | int, limit: int = 1 << 31) -> str | None:
        """Proof that ``|acc| <= bound`` keeps |acc| < limit and |acc*m + a| < 2^62; the reason where it fails.

        ``bound``: one int, or int64 per channel.
        """
        bounds = [int(b) for b in np.broadcast_to(np.asarray(bound, object), self.m.shape).ravel()]
        rows = zip(bounds, self.m.ravel().tolist(), self.a.ravel().tolist(), strict=True)
        for channel, (b, m, a) in enumerate(rows):
            if b >= limit:
                return f"channel {channel}: the accumulator can reach {b}, beyond int32"
            if b * abs(m) + abs(a) >= LIMIT:
                return f"channel {channel}: |acc*m + a| can reach {b * abs(m) + abs(a)}, beyond 2^62"
        return None
