"""Thermometer and Gray-like codes: every value of a sample becomes the word of its level in that sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

Code = Literal["thermometer", "gray"]
DEVIATIONS: dict[str, int] = {
    "thermometer": 3,
    "gray": 1,
}  # that the levels span, half to either side of the mean
MOST = (1 << 16) - 1  # values of a sample: n^2 2^30 stays below 2^62


@dataclass(frozen=True)
class LevelEncode(Op):
    """Bits ``(n*d,)`` or ``(n*d, B)`` of s16 ``(n,)`` or ``(n, B)``; value i of a position has bits i*d .. i*d + d - 1.

    With S = sum x and r = max(1, isqrt(n sum x^2 - S^2)) over the n values of one position, (x - mean) / deviation is
    (n x - S) / r. The level is

        clip(floor(((n x - S) 2 q + k r (q - 1)) / (2 k r)), 0, q - 1)

    which is the published clip(trunc((x - mean) / (k deviation) q + (q - 1) / 2), 0, q - 1) where the deviation is
    r / n: rounding down and towards zero differ below 0 only, where the clip makes them one. A constant position has
    the middle level, (q - 1) // 2.

    Attributes:
        code: ``thermometer``: q = d levels, k = 3, level + 1 leading ones. ``gray``: q = d (d - 1) / 2 levels, k = 1;
            the word of level 0 is 0, each next one flips the next pair of bits (i, j), i < j, in lexicographic order.
        bits: d.
    """

    kind = "level_encode"
    roots = ("edgekit.Thermometer", "edgekit.Gray")

    code: Code
    bits: int

    @property
    def levels(self) -> int:
        """q."""
        return self.bits if self.code == "thermometer" else self.bits * (self.bits - 1) // 2

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(1, 2), dtypes=(DType.S16,))
        require(self.code in DEVIATIONS, f"code '{self.code}' does not exist", ", ".join(DEVIATIONS))
        require(self.bits >= 2, f"a word has {self.bits} bits", "2 or more")
        n, *positions = inputs[0].shape
        return (n * self.bits, *positions), DType.B1, 0

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        n = inputs[0].shape[0]
        if n > MOST:
            yield Unsupported(f"{n} values per position: the sum of their squares could overflow", f"up to {MOST}")
        elif 2 * n * self.levels >= 1 << 31:
            yield Unsupported(f"{n} values at {self.levels} levels need more than 31 bits", "2 n levels < 2^31")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        words = self.words(self.level_of(values[0]))  # (N, n, d) or (N, n, d, B)
        return words.reshape(len(words), -1, *words.shape[3:]).astype(np.int64)

    def level_of(self, x: IntArray) -> IntArray:
        """Levels of values (N, n) or (N, n, B)."""
        n = x.shape[1]
        total = x.sum(axis=1, keepdims=True)
        variance = n * np.square(x).sum(axis=1, keepdims=True) - total**2
        roots = [max(1, isqrt(v)) for v in variance.ravel().tolist()]
        r = np.array(roots, np.int64).reshape(variance.shape)
        k, q = DEVIATIONS[self.code], self.levels
        return np.clip(((n * x - total) * (2 * q) + k * r * (q - 1)) // (2 * k * r), 0, q - 1)

    def words(self, levels: IntArray) -> NDArray[np.bool_]:
        """Words (N, n, d, ...) of levels (N, n, ...).

        Gray: before level L all pairs of the bits 0..i-1 and m pairs (i, i+1) .. (i, i+m) of bit i were flipped. So a
        bit below i has flipped d - 1 times, bit i i + m times, those up to i + m i + 1 times, those behind i times.
        """
        place = np.arange(self.bits).reshape(-1, *[1] * (levels.ndim - 2))
        level = levels[:, :, None]
        if self.code == "thermometer":
            return place <= level
        first = pairs_before(np.arange(self.bits), self.bits)
        row = np.searchsorted(first[:-1], level, side="right") - 1
        several = level - first[row]
        flips = np.where(place < row, self.bits - 1, row + (place > row) * (place <= row + several))
        return (flips + (place == row) * several) % 2 == 1

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        writer.node(self.roots[self.code == "gray"], [inputs[0].name], output.name, bits=self.bits)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("bits")
        require(len(root.inputs) == 1, f"it has {len(root.inputs)} inputs", "x")
        code: Code = "gray" if root.op_type == cls.roots[1] else "thermometer"
        return root.match(root.inputs, [root]).of(cls(code, root.integer("bits", 0)))


def pairs_before(bit: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Pairs (i, j), i < j < ``bits``, whose i is below ``bit``."""
    return bit * (2 * bits - 1 - bit) // 2
