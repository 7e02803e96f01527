"""The memory model of a board as the emulator's C part runs it: caches, regions, and what instructions access."""

from __future__ import annotations

import ctypes
from typing import Any

from capstone import arm
from unicorn import arm_const

from deploy.boards import Board, Cache, Memory
from edgekit.emulate import native
from edgekit.emulate.code import Code
from edgekit.emulate.timing.core import Charge
from edgekit.emulate.timing.instruction import DIVISIONS, Instruction

EVENTS = {
    ("flash", "fetch"): native.FLASH_FETCH,
    ("ram", "fetch"): native.RAM_FETCH,
    ("flash", "data"): native.FLASH_DATA,
    ("ram", "data"): native.RAM_DATA,
}
# capstone's register numbers -> unicorn's
REGISTERS = {
    getattr(arm, f"ARM_REG_{name}"): getattr(arm_const, f"UC_ARM_REG_{name}")
    for name in (*(f"R{number}" for number in range(13)), "SP", "LR", "PC")
}
ABSENT = -1


class Tracing:
    """Counts, in every block of one run, what the board's memories and the values worked on cost beyond the code."""

    def __init__(self, code: Code, board: Board) -> None:
        self.code, self.board = code, board
        self.failure: BaseException | None = None
        self._describe = native.DESCRIBE(self._on_new_instruction)

    def attach(self, lib: ctypes.CDLL, trace: int, functions: Any) -> int:
        """Make the C side's ``ek_memory`` for a trace."""
        core = self.code.core
        memory = int(lib.ek_memory_new(trace, functions, core.bus_bytes, core.quotient, self._describe))
        caches = {cache.name: _add_cache(lib, memory, cache) for cache in self.board.caches}
        for region in self.board.memories:
            sides = [_side(self.board, region, side, caches) for side in ("fetch", "data")]
            lib.ek_memory_region(memory, region.start, region.bytes, *sides[0], *sides[1])
        return memory

    def _on_new_instruction(self, block: int, size: int, address: int, to: Any) -> None:
        try:
            static = self.code.block(block, size)
            index = self.code.position(block, size, address)
            describe(static.instructions[index], static.extra(index), to.contents)
            to.contents.overlaps = static.charges[index].overlaps
        except BaseException as error:  # ctypes would print and drop it
            self.failure = self.failure or error


def describe(instruction: Instruction, extra: Charge, to: native.TracedInstruction) -> None:
    """Fill in what the C side has to know of an instruction; ``extra``: its charge beyond the static one."""
    to.execute, to.load_use = extra.execute, extra.load_use
    to.base, to.index = (REGISTERS.get(number, ABSENT) for number in (instruction.base, instruction.index))
    if instruction.name in DIVISIONS:
        to.kind = native.DIVIDE_SIGNED if instruction.name == "sdiv" else native.DIVIDE_UNSIGNED
        to.base, to.index = (REGISTERS[number] for number in instruction.operands[-2:])
    elif instruction.is_memory:
        to.kind = native.STORE if instruction.is_store else native.LOAD
        to.offset, to.shift = ctypes.c_int32(instruction.offset).value, instruction.shift
        to.bytes, to.count = instruction.transfer_bytes, instruction.transfers
    elif extra.cycles:
        to.kind = native.OTHER


def _add_cache(lib: ctypes.CDLL, memory: int, cache: Cache) -> int:
    sets = cache.lines // cache.ways
    event = native.WRITE_BACK if cache.write_back else native.NONE
    return int(lib.ek_memory_cache(memory, sets, cache.ways, cache.line_bytes, cache.fill_bytes, event))


def _side(board: Board, region: Memory, side: str, caches: dict[str, int]) -> tuple[int, int]:
    """(cache, event) of accesses to a region: events without a cache only where they have a price."""
    cache = next((c for c in board.caches if c.serves == side and region.name in c.memories), None)
    event = EVENTS[region.kind, side]
    if cache is not None:
        return caches[cache.name], event
    return native.NONE, event if side == "fetch" and region.fetch_wait else native.NONE
