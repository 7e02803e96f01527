"""Flash that firmware writes: what it holds outlives a run, and power can go in the middle of any operation."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.boards import Board, FlashController
from deploy.operating_point import OperatingPoint
from edgekit.emulate import native
from quant.errors import Problem, UserError

ROW = 8  # bytes that are programmed, and checked by error correction, at once


@dataclass(frozen=True)
class FlashWork:
    """Operations of flash, and how many of them the core had to wait for because it needed the same bank."""

    erases: int = 0
    programs: int = 0
    stalls: int = 0

    def __sub__(self, earlier: FlashWork) -> FlashWork:
        return FlashWork(self.erases - earlier.erases, self.programs - earlier.programs, self.stalls - earlier.stalls)

    def seconds(self, controller: FlashController) -> float:
        """How long the operations take; firmware that polls their end spends this beside its own cycles."""
        return (self.erases * controller.erase_us + self.programs * controller.program_us) / 1e6

    def cycles(self, controller: FlashController, clock_hz: int) -> int:
        """:meth:`seconds` in core cycles."""
        return round(self.seconds(controller) * clock_hz)

    def energy_mj(self, board: Board, point: OperatingPoint) -> float:
        """Energy of the operations, the core polling meanwhile, in mJ."""
        assert board.flash_timing and board.flash_timing.controller and board.power
        controller = board.flash_timing.controller
        return (controller.current_ma + point.current_ma()) * board.power.supply_v * self.seconds(controller)


NO_WORK = FlashWork()


class FlashMemory:
    """The flash of one chip behind its image: give it to one run after the other, as a chip keeps it over resets.

    Attributes:
        cells: every byte of flash, uint8; the image's own bytes are not kept here.
        marks: one for every 8 bytes, uint8: 0 erased, 1 programmed, 2 bits that fail their error correction.

    Args:
        seed: of what an operation leaves in cells where power went.

    Raises:
        UserError: firmware cannot write the flash of this board.
    """

    def __init__(self, board: Board, seed: int = 0) -> None:
        controller = board.flash_timing.controller if board.flash_timing else None
        if controller is None:
            what = "its flash is only read: there is no flash controller in its data"
            raise UserError(Problem(what, f"board '{board.name}'", "stm32l475"))
        self.controller, self._base = controller, board.flash.start
        self.cells: NDArray[np.uint8] = np.full(board.flash.bytes, 0xFF, np.uint8)
        self.marks: NDArray[np.uint8] = np.zeros(board.flash.bytes // ROW, np.uint8)
        self._noise = np.random.default_rng(seed)
        self._cut: tuple[int, bool] | None = None
        self._protected = (0, 0)

    def power_cut(self, after: int, torn: bool = True) -> None:
        """In the next run, power goes behind that many erases and writes.

        Args:
            torn: in the middle of the next one: what its cells hold is undefined (here: random). Otherwise before it.
        """
        self._cut = (after, torn)

    def protect(self, address: int, size: int) -> None:
        """Refuse erasing and programming there from the next run on, as option bytes do."""
        self._protected = (address - self._base, size)

    def attach(self, lib: ctypes.CDLL, trace: int, window: int) -> int:
        """The C side's ``ek_flash`` for a run whose image ends at the address ``window``."""
        c = self.controller
        part = native.FlashPart(self._base, self.cells.size, c.page_bytes, c.bank_bytes, c.registers, *self._protected)
        cells, marks = (ctypes.c_void_p(array.ctypes.data) for array in (self.cells, self.marks))
        flash = int(lib.ek_flash_new(trace, ctypes.byref(part), cells, marks, window))
        if self._cut is not None:
            lib.ek_flash_cut(flash, *self._cut, int(self._noise.integers(1 << 63)))
            self._cut = None
        return flash


def work_of(lib: ctypes.CDLL, flash: int) -> FlashWork:
    """What has been done so far in a run."""
    work = native.FlashWork()
    lib.ek_flash_done(flash, ctypes.byref(work))
    return FlashWork(work.erases, work.programs, work.stalls)
