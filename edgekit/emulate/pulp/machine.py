"""A board with a cluster under the simulator: the image, where it stops, what it has counted, how it fails."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from deploy.boards import Board
from deploy.elf import Image
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp import native
from quant.errors import Problem, UserError

CONTROLLER = -1  # as a core's number; also its place in what `stats` returns
BUDGET = 1 << 62
SLICE = 50_000_000  # cycles after which a run looks for Ctrl-C
UNINITIALISED = 0x57  # what memory holds that was not loaded; as in machine.c
ENDS = {native.EXIT, native.BREAKPOINT, native.LEFT}


@dataclass(frozen=True)
class Context:
    """A function whose calls are counted separately, what it calls included."""

    name: str
    address: int


@dataclass(frozen=True)
class Stop:
    """Where a run stopped.

    Attributes:
        reason: EXIT, BREAKPOINT, LEFT or BUDGET of :mod:`edgekit.emulate.pulp.native`.
        core: of the cluster, or CONTROLLER.
        context: 0, or 1 + the index in the machine's contexts; of LEFT, the one that was left.
    """

    reason: int
    core: int
    pc: int
    address: int
    context: int
    exit_code: int


@dataclass(frozen=True)
class Misaligned:
    """Loads and stores in memory that were not aligned, and the first one."""

    count: int
    core: int
    pc: int
    address: int


class Machine:
    """One run of one image on one board, from reset; use it as a context manager.

    Args:
        contexts: functions whose calls are counted separately.
        functions: count by function instead: row i + 1 of ``stats`` is ``image.functions[i]``, without what it calls.
        budget: cycles allowed between two calls of ``run``.
        clock_hz: the cluster's clock, which decides how many cycles L3 takes; the board's own without it.
        l3: what the memory outside the chip holds from its start on.

    Raises:
        UserError: the image is for other memories, or ``l3`` is larger than the board's.
    """

    def __init__(
        self,
        image: Image,
        board: Board,
        *,
        contexts: Sequence[Context] = (),
        functions: bool = False,
        budget: int = BUDGET,
        clock_hz: int | None = None,
        l3: bytes = b"",
    ) -> None:
        self._image, self._board, self._contexts, self._budget = image, board, tuple(contexts), budget
        self._lib = native.library()
        self._config = native.config_of(board)
        self._machine: int | None = self._lib.ek_pulp_new(ctypes.byref(self._config))
        assert self._machine is not None, board.name
        self._rows = 1
        self._seconds, self._instructions = 0.0, 0
        self._load()
        self._fill_l3(l3, clock_hz or board.clock_hz or 0)
        if functions:
            self._count_functions()
        elif contexts:
            self._count_contexts()
        self._lib.ek_pulp_boot(self._machine, image.entry)

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lib.ek_pulp_free(self._machine)
        self._machine = None

    @property
    def cores(self) -> int:
        """Cores of the cluster."""
        return int(self._config.pes)

    def run(
        self,
        *,
        stop_at: Sequence[tuple[int | None, int]] = (),
        stop_on_leave: Sequence[tuple[int | None, int]] = (),
        cycles: int | None = None,
    ) -> Stop:
        """Runs until the program ends itself or one of the places is reached; may be called again after that.

        Args:
            stop_at: (core, address): stop before the core executes the address; None for any core.
            stop_on_leave: (core, context): stop when the core has returned from a call of the context (1, ...).
            cycles: stop after so many, reason BUDGET, instead of failing after the machine's budget.

        Raises:
            EmulationError: fault, deadlock or exhausted budget, with core, symbol, context and address.
        """
        stops, leaves = (self._watches(places) for places in (stop_at, stop_on_leave))
        stop = native.Stop()
        before, start = self._retired(), time.process_time()
        limit = self._lib.ek_pulp_now(self._machine) + (self._budget if cycles is None else cycles)
        while True:
            until = min(limit, self._lib.ek_pulp_now(self._machine) + SLICE)
            words = (stops, len(stops), leaves, len(leaves), until, ctypes.byref(stop))
            assert self._lib.ek_pulp_run(self._machine, *words), "too many places to stop at"
            if stop.reason != native.BUDGET or until == limit:
                break
        self._seconds += time.process_time() - start
        self._instructions += self._retired() - before
        if stop.reason not in ENDS and (cycles is None or stop.reason != native.BUDGET):
            raise self._error(stop)
        return Stop(stop.reason, self._number(stop.core), stop.pc, stop.address, stop.context, stop.exit_code)

    def read(self, address: int, size: int) -> bytes:
        """Bytes of L1 or L2.

        Raises:
            ValueError: there is no memory.
        """
        buffer = ctypes.create_string_buffer(size)
        if not self._lib.ek_pulp_read(self._machine, address, size, buffer):
            raise ValueError(f"no memory for {size} bytes at 0x{address:08x}")
        return buffer.raw

    def write(self, address: int, data: bytes) -> None:
        """Changes bytes of L1 or L2.

        Raises:
            ValueError: there is no memory.
        """
        if not self._lib.ek_pulp_write(self._machine, address, len(data), bytes(data)):
            raise ValueError(f"no memory for {len(data)} bytes at 0x{address:08x}")

    def stats(self) -> np.ndarray[Any, Any]:
        """Counters (contexts + 1, cores + 1) of :data:`native.COUNTERS` since reset or ``reset_stats``.

        Row 0 is what lies in no context; the last column is the controller.
        """
        table = np.zeros((self._rows, self.cores + 1), native.COUNTERS)
        self._lib.ek_pulp_stats(self._machine, table.ctypes.data)
        return table

    def reset_stats(self) -> None:
        """Counts anew from here."""
        self._lib.ek_pulp_reset_stats(self._machine)

    @property
    def cycles(self) -> int:
        """Cycles since reset or ``reset_stats``; the cycles of every core add up to this."""
        return int(self._lib.ek_pulp_cycles(self._machine))

    @property
    def dma(self) -> tuple[int, int]:
        """Bytes that DMA commands moved from L2 to L1 and back, since reset or ``reset_stats``."""
        table = self.stats()
        return int(table["dma_in"].sum()), int(table["dma_out"].sum())

    @property
    def misaligned(self) -> Misaligned:
        """Since reset or ``reset_stats``."""
        first = native.Stop()
        count = self._lib.ek_pulp_misaligned(self._machine, ctypes.byref(first))
        return Misaligned(int(count), self._number(first.core), first.pc, first.address)

    @property
    def printed(self) -> str:
        """Complete lines of standard output."""
        data = ctypes.c_void_p()
        count = self._lib.ek_pulp_output(self._machine, ctypes.byref(data))
        return ctypes.string_at(data, count).decode("utf-8", "replace") if count else ""

    @property
    def mips(self) -> float:
        """Speed of the simulation so far: million instructions of all cores per second of processor time."""
        return self._instructions / self._seconds / 1e6 if self._seconds else 0.0

    def registers(self, core: int) -> tuple[int, ...]:
        """x0 to x31 of a core."""
        return tuple(self._state(core % (self.cores + 1))[4:])

    @staticmethod
    def name(core: int) -> str:
        """A core in words; ``core``: its number, or CONTROLLER."""
        return "controller" if core == CONTROLLER else f"cluster core {core}"

    def where(self, address: int, context: int = 0) -> str:
        """Symbol, address and context, for messages."""
        place = f"{self._image.describe(address)} (0x{address:08x})"
        return f"{place}, in {self._contexts[context - 1].name}" if 0 < context <= len(self._contexts) else place

    def _load(self) -> None:
        for part in self._image.segments:
            try:
                self.write(part.load_address, part.data)
            except ValueError:
                what = f"{len(part.data):,} bytes are to be loaded at 0x{part.load_address:08x}, where board "
                what += f"'{self._board.name}' has no memory"
                fix = "link it for the memories of this board, or choose the board that it was linked for"
                raise UserError(Problem(what, str(self._image.path), fix=fix)) from None

    def _fill_l3(self, data: bytes, clock_hz: int) -> None:
        l3 = self._board.cluster.l3 if self._board.cluster else None
        if len(data) > (l3.bytes if l3 else 0):
            what = f"{len(data):,} bytes for the memory outside the chip"
            raise UserError(Problem(what, f"board '{self._board.name}'", f"{l3.bytes if l3 else 0:,} bytes"))
        if l3 is not None:
            base, per_byte = l3.base_us * 1e-6 * clock_hz, l3.ns_per_byte * 1e-9 * clock_hz
            arguments = (data, len(data), l3.bytes, round(base), round(per_byte * (1 << 16)))
            assert self._lib.ek_pulp_l3(self._machine, *arguments), "no room for the memory outside the chip"

    def _count_contexts(self) -> None:
        entries = np.array([context.address for context in self._contexts], np.uint32)
        assert self._lib.ek_pulp_contexts(self._machine, entries.ctypes.data, len(entries)), "context without memory"
        self._rows = len(entries) + 1

    def _count_functions(self) -> None:
        spans = [(symbol.address, symbol.end) for symbol in self._image.functions]
        starts, ends = (np.array([span[i] for span in spans], np.uint32) for i in range(2))
        arguments = (starts.ctypes.data, ends.ctypes.data, len(spans))
        if not self._lib.ek_pulp_functions(self._machine, *arguments):
            what = f"the image has functions where board '{self._board.name}' has no memory, or too many of them"
            raise UserError(Problem(what, str(self._image.path)))
        self._rows = len(spans) + 1

    def _watches(self, places: Sequence[tuple[int | None, int]]) -> Any:
        total = self.cores + 1
        watches = (native.Watch(native.ANY_CORE if core is None else core % total, what) for core, what in places)
        return (native.Watch * len(places))(*watches)

    def _number(self, core: int) -> int:
        return CONTROLLER if core == self.cores else int(core)

    def _retired(self) -> int:
        return int(self.stats()["instructions"].sum())

    def _state(self, core: int) -> list[int]:
        state = (ctypes.c_uint32 * 36)()
        self._lib.ek_pulp_core(self._machine, core, state)
        return list(state)

    def _error(self, stop: native.Stop) -> EmulationError:
        what, fix = self._describe(stop)
        return EmulationError(
            what, f"{self.name(self._number(stop.core))} at {self.where(stop.pc, stop.context)}", fix=fix
        )

    def _describe(self, stop: native.Stop) -> tuple[str, str]:
        address = f"0x{stop.address:08x}"
        board = f"board '{self._board.name}'"
        return {
            native.BUDGET: (f"no end within {self._budget:,} cycles", "an endless loop, or work that takes longer"),
            native.DEADLOCK: (f"all cores sleep and nothing will wake them: {self._sleepers()}", ""),
            native.ILLEGAL: (f"illegal instruction {self._instruction(stop)}", self._illegal_fix(stop)),
            native.FETCH: (f"jump to {address}, where {board} has no memory", ""),
            native.NO_MEMORY: (f"access to {address}, where {board} has neither memory nor a peripheral", ""),
            native.NO_REGISTER: (f"access to {address}: no such register, or not in this way", ""),
            native.MISALIGNED: (f"misaligned access to {address}", "align it: hardware cannot split it there"),
            native.LOOP: (
                "bad hardware loop",
                "a body has two instructions or more, its last one (the end address) is no jump or branch",
            ),
            native.NESTING: ("the functions that are counted call each other without end", ""),
            native.CSR: (f"access to CSR 0x{stop.address:03x}, which is not there or not in this way", ""),
            native.DMA_COMMAND: (
                f"DMA command {address} cannot be carried out",
                "it is outside of a memory or empty, its length is no multiple of its lines, or it is 2-D in L1",
            ),
            native.ROUNDING: (f"rounding mode {stop.address} is not simulated", ""),
        }.get(stop.reason, (f"the simulator stopped (reason {stop.reason})", ""))

    def _instruction(self, stop: native.Stop) -> str:
        try:
            low, high = np.frombuffer(self.read(stop.pc, 4), "<u2").tolist()
        except ValueError:
            return ""
        return f"0x{low | high << 16:08x}" if low & 3 == 3 else f"0x{low:04x}"

    def _illegal_fix(self, stop: native.Stop) -> str:
        if stop.core == self.cores and not self._config.fc_xpulp:
            return f"the controller of board '{self._board.name}' executes RV32IMC only"
        return ""

    def _sleepers(self) -> str:
        parts = []
        for core in range(self.cores + 1):
            pc, kind, mask, events = self._state(core)[:4]
            if kind not in (native.AWAKE, native.CLOCK_OFF):
                name = "the controller" if core == self.cores else f"core {core}"
                parts.append(f"{name} {SLEEP[kind].format(mask=mask, events=events)} at {self._image.describe(pc)}")
        return "; ".join(parts)


SLEEP = {
    native.WAIT_EVENT: "waits for an event (mask 0x{mask:x}, pending 0x{events:x})",
    native.WAIT_LINE: "waits for an interrupt line",
    native.WAIT_MUTEX: "waits for a mutex (mask 0x{mask:x}; event 17 must be in it)",
    native.WAIT_DISPATCH: "waits for the dispatcher (mask 0x{mask:x}; event 18 must be in it)",
    native.WAIT_DMA_ID: "waits for a free DMA transfer id",
    native.WAIT_DMA_QUEUE: "waits for room in the DMA's queue",
}
