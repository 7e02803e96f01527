"""The operators on class memories once more, in plain Python integers straight from their definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numpy.typing import NDArray

from quant.graph import Tensor
from quant.ops import Accumulate, Count, Erase, Majority, Op

Index = tuple[int, ...]
Element = Callable[[Index], int]
GAMMA = 0x9E3779B97F4A7C15


def memory_element(op: Op, xs: Sequence[NDArray], tensors: Sequence[Tensor]) -> Element | None:
    """The function from an output index to its value; None for operators that are defined elsewhere."""
    if not isinstance(op, Accumulate | Count | Erase | Majority):
        return None
    memory, zero_point = xs[0], tensors[0].zero_point
    if isinstance(op, Majority):

        def majority(i: Index) -> int:
            word = mix((op.seed + (i[0] // 64 + 1) * GAMMA) % 2**64)
            c = int(memory[i]) - zero_point
            return word >> i[0] % 64 & 1 if c == 0 else int(c > 0)

        return majority
    label = int(xs[-1][0])

    def changed(i: Index) -> int:
        old = int(memory[i])
        if i[-1] != label:
            return old
        if isinstance(op, Erase):
            return zero_point
        if isinstance(op, Count):
            return min(old + 1, op.hi)
        assert isinstance(op, Accumulate)
        value = int(xs[1][i[0]])
        step = (1 if value else -1) if op.bipolar else value - tensors[1].zero_point
        return max(op.lo, min(op.hi, old + step))

    return changed


def mix(z: int) -> int:
    """SplitMix64's output function."""
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31
