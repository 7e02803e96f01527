"""Arena planning: every tensor and scratch buffer gets an offset from its lifetime, at compile time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

ALIGNMENT = 8  # of every buffer; kernels read words and double words


@dataclass(frozen=True)
class Buffer:
    """Bytes that are live from step ``first`` to step ``last``, both included."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Arena:
    """Offsets by buffer name, total size, and the size below which no plan can go (largest live set).

    Attributes:
        buffers: what was placed, sizes rounded up to the alignment.
        peak_step: the step with the largest live set.
    """

    buffers: tuple[Buffer, ...]
    offsets: dict[str, int]
    size: int
    bound: int
    peak_step: int

    def live_bytes(self, step: int) -> int:
        """Bytes of the buffers that are live at a step."""
        return sum(b.size for b in self.buffers if b.first <= step <= b.last)


def aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def plan(buffers: Iterable[Buffer]) -> Arena:
    """First fit by falling size and by start, whichever needs less; deterministic."""
    live = [Buffer(b.name, aligned(b.size), b.first, b.last) for b in buffers]
    orders: tuple[Callable[[Buffer], tuple], ...] = (
        lambda b: (-b.size, b.first, b.name),
        lambda b: (b.first, -b.size, b.name),
        lambda b: (-(b.last - b.first), -b.size, b.name),
    )
    best = min((_first_fit(sorted(live, key=key)) for key in orders), key=lambda plan: plan[1])
    steps = range(max((b.last for b in live), default=0) + 1)
    sums = [sum(b.size for b in live if b.first <= step <= b.last) for step in steps]
    return Arena(
        tuple(sorted(live, key=lambda b: (b.first, b.last, b.name))), best[0], best[1], max(sums), sums.index(max(sums))
    )


def _first_fit(buffers: Sequence[Buffer]) -> tuple[dict[str, int], int]:
    placed: list[tuple[int, Buffer]] = []
    for buffer in buffers:
        offset = 0
        for start, other in sorted((p for p in placed if p[1].meets(buffer)), key=lambda p: p[0]):
            if offset + buffer.size <= start:
                break
            offset = max(offset, start + other.size)
        placed.append((offset, buffer))
    return {b.name: at for at, b in placed}, max((at + b.size for at, b in placed), default=0)
