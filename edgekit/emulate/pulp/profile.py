"""Counts any bare-metal program of the open PULP platform function by function, on all cores.

The program needs to know nothing of EdgeKit: the controller starts at the entry of the ELF file, and the run ends by a
store to the platform's exit register, at a given function, or after a given number of instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.boards import Board
from deploy.elf import Image, read_elf
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp import native
from edgekit.emulate.pulp.machine import Machine, Misaligned, Stop
from quant.errors import Problem, UserError

BUDGET = 20_000_000_000  # cycles; minutes of simulation
SLICE = 10_000_000  # cycles between two reports of progress


@dataclass(frozen=True)
class Bounds:
    """What part of a run is counted.

    Attributes:
        start: function with whose first call, by any core, counting starts; from reset without one.
        until: function at whose first instruction, on any core, the run ends.
        instructions: of all cores since reset: the run ends before it exceeds so many; None: it must end by itself.
    """

    start: str | None = None
    until: str | None = None
    instructions: int | None = None


@dataclass(frozen=True, eq=False)
class Profile:
    """A finished run.

    Attributes:
        stats: counters (functions + 1, cores + 1) of :data:`native.COUNTERS`: row i + 1 is ``image.functions[i]``
            without what it calls, row 0 what lies in none, where cores also are before they start; the last column is
            the controller.
        cycles: from where counting started; the cycles of every core add up to this.
        ended: how the run ended, in words.
        printed: complete lines of standard output.
    """

    image: Image
    board: Board
    stats: np.ndarray[Any, Any]
    cycles: int
    ended: str
    exit_code: int | None
    printed: str
    misaligned: Misaligned
    mips: float


def profile(
    path: Path, board: Board, bounds: Bounds, on_progress: Callable[[int], None] = lambda instructions: None
) -> Profile:
    """Run an image on a board with a cluster; ``on_progress`` hears of the instructions so far now and then.

    Raises:
        UserError: no such image or function, not linked for the board, or ``bounds.start`` does not run.
        EmulationError: the program faults, or does not end within its bounds.
    """
    image = read_elf(path, "EM_RISCV")
    if not image.segments:
        raise UserError(Problem("it holds nothing to load", str(path), fix="link it to an executable"))
    start, until = (_address(image, board, name) for name in (bounds.start, bounds.until))
    with Machine(image, board, functions=True) as machine:
        run = _Run(machine, bounds.instructions, on_progress)
        if start is not None:
            if run.to(start).reason != native.BREAKPOINT:
                what = f"it ended without running '{bounds.start}'"
                raise UserError(Problem(what, str(path), fix="name a function that is called, and that is not inlined"))
            run.count_anew()
        stop = run.to(until)
        return Profile(
            image,
            board,
            machine.stats(),
            machine.cycles,
            _ended(stop, bounds, machine),
            stop.exit_code if stop.reason == native.EXIT else None,
            machine.printed,
            machine.misaligned,
            machine.mips,
        )


class _Run:
    """Runs a machine in slices, none of which can exceed the instructions that are left."""

    def __init__(self, machine: Machine, bound: int | None, on_progress: Callable[[int], None]) -> None:
        self._machine, self._bound, self._on_progress = machine, bound, on_progress
        self._cycles = self._before = 0

    def to(self, address: int | None) -> Stop:
        """To an address, on any core; reason BUDGET at the bound."""
        stop_at = [] if address is None else [(None, address)]
        while True:
            cycles = self._slice()
            stop = self._machine.run(stop_at=stop_at, cycles=cycles)
            self._cycles += cycles
            if stop.reason != native.BUDGET or self._slice() == 0:
                return stop
            if self._cycles >= BUDGET:
                fix = "if it is meant to run on, bound it with --instructions or --until"
                where = self._machine.where(stop.pc)
                raise EmulationError(
                    f"no end within {BUDGET:,} cycles", f"{self._machine.name(stop.core)} at {where}", fix=fix
                )
            self._on_progress(self._instructions())

    def count_anew(self) -> None:
        self._before = self._instructions()
        self._machine.reset_stats()

    def _slice(self) -> int:
        """Cycles that may pass: a core ends at most one instruction per cycle."""
        if self._bound is None:
            return SLICE
        return min(SLICE, max(self._bound - self._instructions(), 0) // (self._machine.cores + 1))

    def _instructions(self) -> int:
        return self._before + int(self._machine.stats()["instructions"].sum())


def _ended(stop: Stop, bounds: Bounds, machine: Machine) -> str:
    if stop.reason == native.EXIT:
        return f"exit with code {stop.exit_code}"
    if stop.reason == native.BREAKPOINT:
        return f"{machine.name(stop.core)} reached {bounds.until}"
    return f"after the bound of {bounds.instructions:,} instructions"


def _address(image: Image, board: Board, name: str | None) -> int | None:
    """Where a function starts; raises UserError where it has no such function in the board's memory."""
    if name is None:
        return None
    symbol = image.symbol(name)
    memories = ((memory.start, memory.end) for memory in board.memories)
    if not any(start <= symbol.address < end for start, end in (*memories, _l1(board))):
        what = f"'{name}' is at 0x{symbol.address:08x}, where board '{board.name}' has no memory"
        raise UserError(Problem(what, str(image.path), fix="name a function"))
    return symbol.address


def _l1(board: Board) -> tuple[int, int]:
    assert board.cluster is not None, board.name
    l1 = board.cluster.l1
    return l1.start, l1.start + l1.bytes
