"""A Cortex-M4F board under unicorn: memories, peripherals, the image, and what a run leaves behind."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from deploy.boards import Board
from deploy.elf import Image
from edgekit.emulate import native
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.flash import NO_WORK, FlashMemory, FlashWork, work_of
from edgekit.emulate.semihosting import BREAKPOINT, Semihosting
from quant.errors import Problem, UserError

try:
    import unicorn
    from unicorn import arm_const
    from unicorn.unicorn_py3.unicorn import uclib

    from edgekit.emulate.nmi import Nmi
    from edgekit.emulate.tracing import Tracing
except ImportError as error:
    raise UserError(Problem("the package 'unicorn' is not installed", fix="pip install 'edgekit[emulate]'")) from error

PAGE = 0x1000
OVERFLOW = 0x10000  # accesses up to this far below the stack are taken for its overflow
# RAM holds anything after power-up; this value makes firmware that relies on zeros fail.
PAINT = bytes.fromhex("a5c3965a")

ACCESS = {
    unicorn.UC_MEM_READ_UNMAPPED: "read from an address without memory",
    unicorn.UC_MEM_WRITE_UNMAPPED: "write to an address without memory",
    unicorn.UC_MEM_FETCH_UNMAPPED: "jump to an address without memory",
    unicorn.UC_MEM_WRITE_PROT: "write to flash",
    unicorn.UC_MEM_READ_PROT: "read from a protected address",
    unicorn.UC_MEM_FETCH_PROT: "jump to an address without code",
}
INVALID = "invalid instruction"
BKPT = 7
EXCEPTION = {1: INVALID, 2: "SVC instruction", BKPT: "BKPT instruction"}
# They count only without UC_MODE_MCLASS, which makes every core a Cortex-M33. The Cortex-M7's FPU is one with double
# precision: that firmware has no such instruction is up to the compiler's flags.
CPU = {"cortex-m4f": arm_const.UC_CPU_ARM_CORTEX_M4, "cortex-m7f": arm_const.UC_CPU_ARM_CORTEX_M7}
SLEEP = (0xBF20, 0xBF30)  # WFE, WFI
NOWHERE = 1 << 63
UNTIL_BOUND = (native.BUDGET, native.SELF_LOOP, native.ASLEEP)  # ends of runs that an instruction bound would end
# Reasons that the C side gives no address, or another one.
AT_PC = (native.NO_PERIPHERAL, native.ASLEEP, native.WRONG_KEY, native.OWN_IMAGE, native.STALE_CACHE)
# Peripherals and the system control space of the Armv7-M address map.
PERIPHERALS = (range(0x40000000, 0x60000000), range(0xE0000000, 0xE0100000))


@dataclass(frozen=True)
class Context:
    """A function whose calls are counted separately."""

    name: str
    address: int


@dataclass(frozen=True)
class Finished:
    """What a run leaves: bytes sent by UART, block counts (:data:`native.BLOCK`), completed calls of context 1.

    There are no block counts where counting has not started.

    ``reason`` is one of the constants of :mod:`edgekit.emulate.native`; ``stack_used`` is None where the image does not
    mark its stack; ``mips`` is the speed of the run, start-up included; ``unknown_peripherals`` are the pages that a
    foreign image used although the board's data do not describe them; ``prefetches``: the prefetch buffer of flash was
    on at the end; ``flash``: what was erased and programmed.
    """

    reason: int
    sent: bytes
    received: int
    blocks: np.ndarray[Any, Any]
    runs: int
    stack_used: int | None
    mips: float
    prefetches: bool = False
    unknown_peripherals: tuple[int, ...] = ()
    flash: FlashWork = NO_WORK


class Machine:
    """One run of one image on one board, from reset; use it as a context manager.

    Args:
        received: bytes that come in by UART.
        budget: instructions allowed between two bytes on the UART.
        start_address: counting starts when control first gets there (default: with the first byte received).
        measure_from: counting starts anew with this byte of ``received``.
        stop_address: the run ends there.
        leave: ``leave(context, run)`` is called, while counting, whenever a context function has returned.
        tick: ``tick(instructions)`` is called about once a second; it is also where Ctrl-C gets through.
        tracing: also count what memories cost.
        semihosting: the image is a foreign one: it may print and end by semihosting, and registers that the board's
            data do not describe are memory to it.
        flash: what flash holds behind the image, and keeps when the run is over (default: erased flash). A power cut
            that it has planned is a regular end.
        bounded: using up the budget is a regular end, and so is an endless loop, or sleep that no interrupt can end.
    """

    def __init__(
        self,
        image: Image,
        board: Board,
        received: bytes = b"",
        contexts: Sequence[Context] = (),
        *,
        budget: int = 1 << 62,
        start_address: int = NOWHERE,
        measure_from: int = 0,
        stop_address: int = NOWHERE,
        leave: Callable[[int, int], None] | None = None,
        tick: Callable[[int], None] = lambda instructions: None,
        tracing: Tracing | None = None,
        semihosting: Semihosting | None = None,
        bounded: bool = False,
        flash: FlashMemory | None = None,
    ) -> None:
        self._image, self._board, self._contexts, self._budget = image, board, contexts, budget
        self._failure: tuple[str, int] | None = None
        self._bad_address: int | None = None
        self._callback_error: BaseException | None = None
        self._leave, self._tick, self._received = leave, tick, received
        self._tracing, self._semihosting = tracing, semihosting
        self._ends = {native.IDLE, native.REACHED, native.EXITED, native.POWER_CUT, *(UNTIL_BOUND if bounded else ())}
        self._called = False
        self._unknown_peripherals: set[int] = set()
        self._lib = native.library()
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self._uc.ctl_set_cpu_model(CPU[board.core])
        self._keep: list[Any] = []
        functions = native.Unicorn(*(native.address_of(getattr(uclib, f"uc_{name}")) for name in native.Unicorn.NAMES))
        self._trace = self._make_trace(functions, start_address, stop_address)
        self._memory = tracing.attach(self._lib, self._trace, ctypes.byref(functions)) if tracing else None
        self._bus = self._lib.ek_bus_new(self._trace, received, len(received), measure_from)
        writable = board.flash_timing is not None and board.flash_timing.controller is not None
        self._flash_memory = flash or (FlashMemory(board) if writable else None)
        self._flash: int | None = None
        self._vectors = self._map_memories()
        self._nmi = Nmi(self._uc, self.read, self._vectors)
        self._map_peripherals()
        self._hook()

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._uc
        self._lib.ek_bus_free(self._bus)
        if self._flash is not None:
            self._lib.ek_flash_free(self._flash)
        if self._memory is not None:
            self._lib.ek_memory_free(self._memory)
        self._lib.ek_trace_free(self._trace)

    def read(self, address: int, size: int) -> bytes:
        """Memory contents, also from within ``leave``."""
        return bytes(self._uc.mem_read(address, size))

    @property
    def flash_work(self) -> FlashWork:
        """What has been erased and programmed so far, also from within ``leave``."""
        return work_of(self._lib, self._flash) if self._flash is not None else NO_WORK

    def run(self) -> Finished:
        """Runs from reset until the firmware waits for more input, ends itself or reaches ``stop_address``.

        Raises:
            EmulationError: fault, endless loop, endless sleep or exhausted budget, with address, symbol and context.
        """
        stack_top, pc = np.frombuffer(self.read(self._vectors, 8), "<u4").tolist()
        self._uc.reg_write(arm_const.UC_ARM_REG_SP, stack_top)
        if self._semihosting is not None:
            self._semihosting.stack_top = stack_top
        start = time.perf_counter()
        ended = False
        while not ended:
            self._start(pc)
            ended = self._serve() if self._called else not self._interrupted()
            pc = self._pc()
        seconds = time.perf_counter() - start
        reason = self._reason()
        if reason not in self._ends:
            raise self._stopped(reason, self._lib.ek_trace_address(self._trace))
        return self._finished(reason, seconds)

    def _reason(self) -> int:
        if self._semihosting is not None and self._semihosting.exit_code is not None:
            return native.EXITED
        reason = int(self._lib.ek_trace_reason(self._trace))
        return native.ASLEEP if reason == native.RUNNING and self._asleep() else reason

    def _asleep(self) -> bool:
        """Whether the core has stopped at WFI or WFE; unicorn calls the latter an invalid instruction."""
        try:
            return self._instruction_at(self._pc() - 2) in SLEEP
        except unicorn.UcError:
            return False

    def _start(self, pc: int) -> None:
        """Let the core run; returns when something has stopped it."""
        try:
            self._uc.emu_start(pc | 1, 0xFFFFFFFE)
        except unicorn.UcError as error:
            invalid = error.errno == unicorn.UC_ERR_INSN_INVALID
            if not (invalid and self._asleep()) and not self._nmi.returning:
                self._failure = self._failure or (INVALID if invalid else str(error), self._pc())
        error_in_callback = self._callback_error or (self._tracing.failure if self._tracing else None)
        if error_in_callback is not None:
            raise error_in_callback
        if self._failure is not None:
            raise self._fault(*self._failure)

    def _interrupted(self) -> bool:
        """Whether the core has stopped only because an NMI begins or ends."""
        if self._nmi.returning:
            self._nmi.leave()
        elif (
            self._flash is None
            or self._lib.ek_trace_reason(self._trace)
            or not self._lib.ek_flash_take_nmi(self._flash)
        ):
            return False
        else:
            self._nmi.enter()
        return True

    def _serve(self) -> bool:
        """Carry out a semihosting call; whether it ended the run."""
        assert self._semihosting is not None
        self._called = False
        operation, argument = (self._uc.reg_read(r) for r in (arm_const.UC_ARM_REG_R0, arm_const.UC_ARM_REG_R1))
        pc = self._pc()
        try:
            result = self._semihosting.call(operation, argument, self.read, self._uc.mem_write)
        except unicorn.UcError:
            raise self._fault(f"semihosting call 0x{operation:x} with a bad address", pc) from None
        self._uc.reg_write(arm_const.UC_ARM_REG_R0, result)
        self._uc.reg_write(arm_const.UC_ARM_REG_PC, (pc + 2) | 1)
        return self._semihosting.exit_code is not None

    def _make_trace(self, functions: native.Unicorn, start_address: int, stop_address: int) -> int:
        starts = (ctypes.c_uint32 * max(len(self._contexts), 1))(*(context.address for context in self._contexts))
        leave = native.LEAVE(self._on_leave)
        self._keep += [functions, starts, leave]
        pointer = ctypes.byref(functions)
        bounds = (self._budget, start_address, stop_address)
        return int(self._lib.ek_trace_new(pointer, starts, len(self._contexts), *bounds, leave))

    def _on_leave(self, context: int, run: int) -> None:
        try:
            if context == 0:
                self._tick(run)
            elif self._leave is not None:
                self._leave(context - 1, run)
        except BaseException as error:  # ctypes would print and drop it
            self._callback_error = error
            self._uc.emu_stop()

    def _map_memories(self) -> int:
        """Fill the memories as they are after power-up and flashing; returns where the vector table lies."""
        image = self._image.flash_image(self._board)
        for memory in self._board.memories:
            start, end = memory.start & -PAGE, -(-memory.end // PAGE) * PAGE
            if memory is self._board.flash and self._flash_memory is not None:
                window = min(start + max(-(-len(image) // PAGE), 1) * PAGE, end)
                self._map_flash(self._flash_memory, window, end)
                end = window
            writable = unicorn.UC_PROT_WRITE if memory.kind == "ram" else 0
            self._uc.mem_map(start, end - start, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC | writable)
            size = min(memory.end, end) - memory.start
            fill = PAINT * (size // len(PAINT)) if memory.kind == "ram" else b"\xff" * size
            self._uc.mem_write(memory.start, fill)
        for part in self._image.segments:
            memory_of = self._board.memory_at(part.load_address)
            if memory_of is None or part.load_address + len(part.data) > memory_of.end:
                raise self._misplaced(part.load_address, len(part.data))
            if memory_of.kind == "ram":
                self._uc.mem_write(part.load_address, part.data)
        self._uc.mem_write(self._board.flash.start, image)
        return min(part.load_address for part in self._image.segments)

    def _map_flash(self, memory: FlashMemory, start: int, end: int) -> None:
        """Behind the image, flash is what the controller makes of it; there is no code there."""
        self._flash = memory.attach(self._lib, self._trace, start)
        self._lib.ek_bus_flash(self._bus, self._flash)
        if end > start:
            self._map_native(start, end - start, "ek_flash", self._flash)

    def _map_native(self, start: int, size: int, name: str, user: int) -> None:
        """Accesses to these addresses go to the C functions ``name``_read and ``name``_write."""
        read, write = (native.address_of(getattr(self._lib, f"{name}_{way}")) for way in ("read", "write"))
        pointer = ctypes.c_void_p(user)
        status = uclib.uc_mmio_map(
            self._uc._uch, ctypes.c_uint64(start), ctypes.c_size_t(size), ctypes.c_void_p(read), pointer,
            ctypes.c_void_p(write), pointer,
        )  # fmt: skip
        assert status == unicorn.UC_ERR_OK, status

    def _misplaced(self, address: int, size: int) -> UserError:
        memories = ", ".join(f"{m.name} 0x{m.start:08x} to 0x{m.end - 1:08x}" for m in self._board.memories)
        what = f"{size:,} bytes are to be loaded at 0x{address:08x}, where board '{self._board.name}' has no room"
        fix = "link it for the memories of this board, or choose the board that it was linked for"
        return UserError(Problem(what, str(self._image.path), memories, fix))

    def _map_peripherals(self) -> None:
        pages: set[int] = set()
        for device in self._board.peripherals:
            self._lib.ek_bus_add(self._bus, device.base, device.bytes)
            for offset, value in device.reset.items():
                self._lib.ek_bus_reset(self._bus, device.base + offset, value)
            for rule in device.follow:
                to = rule.register if rule.to is None else rule.to
                fields = (rule.of, device.base + to, rule.bit, rule.width)
                self._lib.ek_bus_follow(self._bus, device.base + rule.register, *fields)
            if uart := device.uart:
                addresses = (device.base + offset for offset in (uart.status, uart.receive, uart.transmit))
                self._lib.ek_bus_uart(self._bus, *addresses, uart.receive_ready, uart.transmit_ready)
            pages |= set(range(device.base & -PAGE, device.base + device.bytes, PAGE))
        for base in sorted(pages):
            self._map_native(base, PAGE, "ek_bus", self._lib.ek_bus_page(self._bus, base))

    def _hook(self) -> None:
        self._hook_native(unicorn.UC_HOOK_BLOCK, self._lib.ek_trace_on_block, self._trace)
        if self._memory is not None:
            self._hook_native(unicorn.UC_HOOK_CODE, self._lib.ek_memory_on_instruction, self._memory)
        self._uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_invalid_access)
        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)

    def _hook_native(self, kind: int, function: object, user: int) -> None:
        status = uclib.uc_hook_add(
            self._uc._uch,
            ctypes.byref(ctypes.c_size_t()),
            kind,
            ctypes.c_void_p(native.address_of(function)),
            ctypes.c_void_p(user),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        assert status == unicorn.UC_ERR_OK, status

    def _on_invalid_access(self, uc: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        if self._semihosting is not None and any(address in area for area in PERIPHERALS):
            self._unknown_peripherals.add(address & -PAGE)
            uc.mem_map(address & -PAGE, PAGE)
            return True
        self._failure = (f"{ACCESS.get(access, 'bad access')} 0x{address:08x}", self._pc())
        self._bad_address = address
        return False

    def _on_exception(self, uc: Any, number: int, data: Any) -> None:
        if self._semihosting is not None and number == BKPT and self._instruction_at(self._pc()) == BREAKPOINT:
            self._called = True
        elif not self._nmi.is_return(self._pc()):
            self._failure = (EXCEPTION.get(number, f"exception {number}"), self._pc())
        uc.emu_stop()

    def _instruction_at(self, address: int) -> int:
        return int.from_bytes(self.read(address, 2), "little")

    def _pc(self) -> int:
        return int(self._uc.reg_read(arm_const.UC_ARM_REG_PC))

    def _where(self, address: int) -> str:
        context = self._lib.ek_trace_context(self._trace)
        place = f"{self._image.describe(address)} (0x{address:08x})"
        return f"{place}, in {self._contexts[context - 1].name}" if context else place

    def _fault(self, what: str, pc: int) -> EmulationError:
        fix = ""
        if self._image.has_stack and self._bad_address is not None:
            below = self._image.symbols["__stack_bottom"].address - self._bad_address
            if 0 < below <= OVERFLOW:
                fix = "the stack has overflowed: enlarge EK_STACK_BYTES"
        return EmulationError(f"the firmware faults: {what}", self._where(pc), fix=fix)

    def _stopped(self, reason: int, address: int) -> EmulationError:
        bound = "; if that is its end, bound the instructions" if self._semihosting else ""
        what, fix = {
            native.BUDGET: (
                f"no end and no byte on the UART within {self._budget:,} instructions",
                "an endless loop, or a model that needs a larger instruction budget",
            ),
            native.SELF_LOOP: ("the firmware stays in an endless loop", f"a fault handler, or main's return{bound}"),
            native.ASLEEP: (
                "the firmware sleeps, and no interrupt is emulated that could wake it",
                f"poll instead{bound}",
            ),
            native.NESTING: ("layer functions call each other without end", ""),
            native.WRONG_KEY: (
                "the flash controller took a wrong key and stays locked until reset: bus fault",
                "write 0x45670123, then 0xCDEF89AB, and only while it is locked",
            ),
            native.STALE_CACHE: (
                f"flash at 0x{address:08x} is read through a data cache that may hold what was there before",
                "switch the data cache off for erasing and programming; reset it before it is on again",
            ),
            native.OWN_IMAGE: (
                f"flash at 0x{address:08x} holds the image that runs: erasing and programming it is not emulated",
                "keep what is written away from the image",
            ),
            native.NO_FPU: ("floating-point instruction while the FPU is off", "enable it in CPACR first"),
            native.NO_PERIPHERAL: (
                f"access to 0x{address:08x}, where board '{self._board.name}' has no peripheral",
                "describe the peripheral in the board's file",
            ),
        }.get(reason, (f"the emulator stopped (reason {reason})", ""))
        return EmulationError(what, self._where(self._pc() if reason in AT_PC else address), fix=fix)

    def _stack_used(self) -> int | None:
        if not self._image.has_stack:
            return None
        bottom, top = (self._image.symbols[name].address for name in ("__stack_bottom", "__stack_top"))
        words = np.frombuffer(self.read(bottom, top - bottom), "<u4")
        written = np.flatnonzero(words != np.frombuffer(PAINT, "<u4"))
        return top - bottom - 4 * int(written[0]) if written.size else 0

    def _prefetches(self) -> bool:
        control = self._board.flash_timing.prefetch if self._board.flash_timing else None
        return control is not None and bool(int.from_bytes(self.read(control[0], 4), "little") >> control[1] & 1)

    def _finished(self, reason: int, seconds: float) -> Finished:
        data = ctypes.c_void_p()
        sent = ctypes.string_at(data, count) if (count := self._lib.ek_bus_sent(self._bus, ctypes.byref(data))) else b""
        rows = self._lib.ek_trace_blocks(self._trace, ctypes.byref(data))
        blocks = np.frombuffer(ctypes.string_at(data, rows * native.BLOCK.itemsize), native.BLOCK)
        return Finished(
            reason=reason,
            sent=sent,
            received=self._lib.ek_bus_taken(self._bus),
            blocks=blocks[blocks["executions"] > 0],
            runs=self._lib.ek_trace_runs(self._trace),
            stack_used=self._stack_used(),
            mips=self._lib.ek_trace_executed(self._trace) / seconds / 1e6,
            prefetches=self._prefetches(),
            flash=self.flash_work,
            unknown_peripherals=tuple(sorted(self._unknown_peripherals)),
        )
