"""From what a traced run counted to cycles: every kind of event has one price at one operating point."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import astuple, dataclass
from typing import Any, TypeVar

import numpy as np

from deploy.boards import Board
from deploy.operating_point import OperatingPoint
from edgekit.emulate import native
from edgekit.emulate.code import Code
from edgekit.emulate.timing.core import Core, StaticBlock
from edgekit.emulate.timing.instruction import Instruction

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Cycles:
    """Where core cycles go; the parts sum to the total.

    Attributes:
        execute: issue and execution at full speed.
        load_use: waiting for operands: the second cycle of loads, addresses and float results needed at once.
        branch: refilling the pipeline.
        fetch: waiting for instructions from memory.
        data: waiting for data from memory: caches' misses, write-backs, unaligned accesses.
    """

    execute: int = 0
    load_use: int = 0
    branch: int = 0
    fetch: int = 0
    data: int = 0

    @property
    def total(self) -> int:
        return sum(astuple(self))

    def __add__(self, other: Cycles) -> Cycles:
        return Cycles(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Cost:
    """Instructions and the cycles they take."""

    instructions: int = 0
    cycles: Cycles = Cycles()

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.instructions + other.instructions, self.cycles + other.cycles)


@dataclass(frozen=True)
class Prices:
    """Cycles of one event of each kind that memories cause.

    Attributes:
        ahead_bytes: what a read of flash for instructions gives: the fetch unit asks for the next so many bytes while
            the core executes as many.
    """

    flash: int
    ahead_bytes: int
    ram_fetch: int
    ram_data: int
    unaligned: int

    @classmethod
    def at(cls, board: Board, point: OperatingPoint, core: Core) -> Prices:
        """A read of flash waits for the wait states and, where there are any, what the board's data add."""
        overhead = board.flash_timing.fill_overhead if board.flash_timing and point.wait_states else 0
        fetch = max((memory.fetch_wait or memory.fill_wait for memory in board.rams), default=0)
        fill = max((memory.fill_wait for memory in board.rams), default=0)
        ahead = next((c.fill_bytes for c in board.caches if c.serves == "fetch"), 0)
        return cls(point.wait_states + overhead, ahead, fetch, fill, core.unaligned)


def price(code: Code, blocks: np.ndarray[Any, Any], prices: Prices, key: Callable[[np.void], Key]) -> dict[Key, Cost]:
    """Cost of the blocks of a traced run, summed by ``key(row)``.

    Args:
        blocks: rows of :data:`edgekit.emulate.native.BLOCK`.

    Raises:
        EmulationError: a block holds something that is no instruction of the core.
    """
    neighbours = _neighbours(code, blocks)
    costs: dict[Key, Cost] = {}
    for row in blocks:
        cost = _row_cost(code, row, prices, neighbours)
        name = key(row)
        costs[name] = costs.get(name, Cost()) + cost
    return costs


Neighbours = tuple[dict[int, Instruction], dict[int, Instruction]]


def _neighbours(code: Code, blocks: np.ndarray[Any, Any]) -> Neighbours:
    """By address, the last instruction of the block that ends there, and the first one of that which starts there.

    The emulator also cuts blocks at memory page ends: such pieces continue each other. Ends by a branch do not count.
    """
    keys = sorted({(int(row["address"]), int(row["size"])) for row in blocks})
    last = {address + size: code.instructions(address, size)[-1] for address, size in keys}
    before = {address: one for address, one in last.items() if not one.jumps}
    return before, {address: code.instructions(address, size)[0] for address, size in keys if address in before}


def hidden_cycles(block: StaticBlock, size: int, ahead_bytes: int) -> int:
    """How long the core executes what one read of flash gives: so long it does not wait for the next one."""
    return (block.execute + block.load_use) * ahead_bytes // size


def _row_cost(code: Code, row: np.void, prices: Prices, neighbours: Neighbours) -> Cost:
    core: Core = code.core
    address, size = int(row["address"]), int(row["size"])
    before, after = neighbours
    falls_through = not code.instructions(address, size)[-1].jumps
    block = code.block(address, size, before.get(address), after.get(address + size) if falls_through else None)
    executions = int(row["executions"])
    events = [int(count) for count in row["events"]]
    hidden = hidden_cycles(block, size, prices.ahead_bytes)
    cycles = Cycles(
        execute=executions * block.execute + events[native.EXECUTE],
        load_use=executions * block.load_use + events[native.LOAD_USE],
        branch=int(row["taken"]) * core.taken
        + int(row["taken_wide"]) * core.taken_wide
        + int(row["mispredicted"]) * core.mispredicted,
        fetch=events[native.FLASH_FETCH] * prices.flash
        + events[native.FLASH_AHEAD] * max(prices.flash - hidden, 0)
        + events[native.RAM_FETCH] * prices.ram_fetch,
        data=events[native.FLASH_DATA] * prices.flash
        + (events[native.RAM_DATA] + events[native.WRITE_BACK]) * prices.ram_data
        + events[native.UNALIGNED] * prices.unaligned,
    )
    return Cost(executions * len(block.instructions), cycles)
