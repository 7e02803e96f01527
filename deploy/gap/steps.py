"""The table that every core of the cluster walks through: one step is one kernel call on one tile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deploy.kernels.base import Call
from deploy.layers import Layer
from deploy.tile import Tile

Memory = Literal["l1", "arena", "constants", "l3"]  # L1 arena, L2 arena, constants in L2, constants in L3


@dataclass(frozen=True)
class Pointer:
    """A byte in one of the memories."""

    memory: Memory
    offset: int


@dataclass(frozen=True)
class Transfer:
    """A box of bytes between L2 and L1, packed in L1.

    Attributes:
        l1: offset in the L1 arena.
        l2: where the box starts outside.
        length, lines, planes: bytes of a line, lines of a plane, planes.
        line_stride, plane_stride: bytes from one start to the next in L2.
    """

    l1: int
    l2: Pointer
    length: int
    lines: int = 1
    planes: int = 1
    line_stride: int = 0
    plane_stride: int = 0

    @property
    def bytes(self) -> int:
        return self.length * self.lines * self.planes


@dataclass(frozen=True)
class Fetch:
    """A piece of constants from L3 to L2; offsets in the L3 image and in the L2 arena."""

    l3: int
    l2: int
    bytes: int


@dataclass(frozen=True)
class Step:
    """One call of a kernel on one tile.

    Attributes:
        tile: what the step, or the last of several for the same tile, computes; None: the whole output.
        x, y, constants, scratch: where the kernel finds its operands; constants in the order of the call's arrays.
        early: loads that may start while the step before still computes.
        late: loads that have to wait for the step before.
        store: what leaves L1 after the step.
        flush: the layer ends here: stores are complete before the next step.
        fetch: the piece of constants from L3 that the late loads read; pieces are fetched in the order of the steps.
    """

    layer: Layer
    tile: Tile | None
    call: Call
    x: tuple[Pointer, ...]
    y: Pointer
    constants: tuple[Pointer, ...]
    scratch: Pointer
    early: tuple[Transfer, ...] = ()
    late: tuple[Transfer, ...] = ()
    store: tuple[Transfer, ...] = ()
    flush: bool = False
    fetch: Fetch | None = None
