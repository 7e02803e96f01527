"""Prices any bare-metal Cortex-M image, function by function: it needs to know nothing of EdgeKit.

The image starts by its vector table, which lies at its lowest load address. It ends itself by semihosting (SYS_EXIT),
or the run ends at a given function or after a given number of instructions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.boards import Board, list_boards, load_board
from deploy.elf import Image, read_elf
from deploy.operating_point import OperatingPoint
from edgekit.emulate import native
from edgekit.emulate.code import Code
from edgekit.emulate.machine import NOWHERE, Context, Finished, Machine
from edgekit.emulate.pricing import Cost, Prices, hidden_cycles, price
from edgekit.emulate.semihosting import Semihosting
from edgekit.emulate.timing import CORES
from edgekit.emulate.tracing import Tracing
from quant.errors import Problem, UserError

BUDGET = 2_000_000_000  # instructions; some minutes of tracing


@dataclass(frozen=True)
class Bounds:
    """What part of a run is counted.

    Attributes:
        start: function with whose first call counting starts; from reset without one.
        until: function at whose first instruction the run ends.
        within: only what runs in calls of this function counts, with everything that it calls.
        instructions: the run ends before it exceeds so many; None: it must end by itself.
    """

    start: str | None = None
    until: str | None = None
    within: str | None = None
    instructions: int | None = None


@dataclass(frozen=True, eq=False)
class Profile:
    """A traced run, which can be priced at any clock.

    Attributes:
        ended: how the run ended, in words.
        printed: what the firmware wrote to the semihosting console.
        calls: completed calls of ``Bounds.within``, None without one.
    """

    image: Image
    board: Board
    code: Code
    finished: Finished
    ended: str
    exit_code: int | None
    printed: str
    calls: int | None

    def cost(self, point: OperatingPoint) -> dict[str, Cost]:
        """Cost by function, the dearest first; instructions outside of every symbol have an entry of their own."""
        costs = price(self.code, self.counted, self._prices(point), self.code.function)
        return dict(sorted(costs.items(), key=lambda entry: -entry[1].cycles.total))

    def events(self) -> dict[str, Any]:
        """How often what the model prices has happened; see docs/cost-model.md.

        ``hidden`` counts the reads of flash ahead by the cycles that the core has enough to do meanwhile.
        """
        blocks = self.counted
        core = price(self.code, blocks, Prices(0, 0, 0, 0, 0, 0), lambda row: None).get(None, Cost()).cycles
        ahead_bytes = self._prices(self.board.operating_point()).ahead_bytes
        hidden: Counter[str] = Counter()
        for row in blocks[blocks["events"][:, native.FLASH_AHEAD] > 0]:
            address, size = int(row["address"]), int(row["size"])
            cycles = hidden_cycles(self.code.block(address, size), size, ahead_bytes)
            hidden[str(cycles)] += int(row["events"][native.FLASH_AHEAD])
        return {
            "execute": core.execute,
            "load_use": core.load_use,
            **{name: int(blocks[name].sum()) for name in ("taken", "taken_wide", "mispredicted")},
            **{name: int(blocks["events"][:, index].sum()) for name, index in native.MEMORY_EVENTS.items()},
            "hidden": dict(sorted(hidden.items())),
            "prefetches": self.finished.prefetches,
        }

    def _prices(self, point: OperatingPoint) -> Prices:
        return Prices.at(self.board, point, self.code.core, self.finished.prefetches)

    @property
    def counted(self) -> np.ndarray[Any, Any]:
        """The blocks (:data:`native.BLOCK`) within the bounds."""
        blocks = self.finished.blocks
        return blocks if self.calls is None else blocks[blocks["context"] > 0]


def profile(
    path: Path, board: Board, bounds: Bounds, on_progress: Callable[[int], None] = lambda instructions: None
) -> Profile:
    """Run and trace an image on a board; ``on_progress`` hears of the instructions so far, about once a second.

    Raises:
        UserError: no such image or symbol, not linked for the board, a function that does not run, or a board that is
            not emulated.
        EmulationError: the image faults, or does not end within its bounds.
    """
    check_emulated(board)
    image = read_elf(path)
    if not image.segments:
        raise UserError(Problem("it holds nothing to load", str(path), fix="link it to an executable"))
    code, semihosting = Code(image, CORES[board.core]), Semihosting()
    start, until, within = (_address(image, name) for name in (bounds.start, bounds.until, bounds.within))
    with Machine(
        image,
        board,
        contexts=[Context(bounds.within, within)] if bounds.within else (),
        budget=BUDGET if bounds.instructions is None else bounds.instructions,
        start_address=start if bounds.start else _reset(image),
        stop_address=until,
        tick=on_progress,
        tracing=Tracing(code, board),
        semihosting=semihosting,
        bounded=bounds.instructions is not None,
    ) as machine:
        finished = machine.run()
    ended = {
        native.EXITED: f"semihosting exit with code {semihosting.exit_code}",
        native.REACHED: f"reached {bounds.until}",
        native.SELF_LOOP: "in an endless loop",
        native.ASLEEP: "asleep, waiting for an interrupt",
        native.BUDGET: f"after the bound of {bounds.instructions or 0:,} instructions",
        native.IDLE: "waiting for input on the UART",
    }[finished.reason]
    printed = bytes(semihosting.printed).decode("utf-8", "replace")
    calls = finished.runs if bounds.within else None
    result = Profile(image, board, code, finished, ended, semihosting.exit_code, printed, calls)
    counted = bounds.within or bounds.start
    if counted and not len(result.counted):
        what = f"it ended without running '{counted}': {ended}"
        raise UserError(Problem(what, str(path), fix="name a function that is called, and that is not inlined"))
    return result


def check_emulated(board: Board) -> None:
    """Raises UserError where EdgeKit has no emulator for the board."""
    if board.core not in CORES and board.cluster is None:
        able = [name for name in list_boards() if load_board(name).core in CORES or load_board(name).cluster]
        raise UserError(Problem(f"board '{board.name}' is not emulated", supported=", ".join(able)))


def _address(image: Image, name: str | None) -> int:
    return NOWHERE if name is None else image.symbol(name).address


def _reset(image: Image) -> int:
    """Where the vector table sends the core after reset."""
    vectors = min(image.segments, key=lambda segment: segment.load_address).data
    return int.from_bytes(vectors[4:8], "little") & ~1
