"""A Cortex-M board under unicorn: memories, peripherals, the image, and what a run leaves behind."""

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
from quant.errors import Problem, UserError

try:
    import unicorn
    from unicorn import arm_const
    from unicorn.unicorn_py3.unicorn import uclib
except ImportError as error:
    raise UserError(Problem("the package 'unicorn' is not installed", fix="pip install 'edgekit[emulate]'")) from error

PAGE = 0x1000
OVERFLOW = 0x10000  # accesses up to this far below the stack are taken for its overflow
# RAM holds anything after power-up; this value makes firmware that relies on zeros fail.
PAINT = bytes.fromhex("a5c3965a")

# They count only without UC_MODE_MCLASS, which makes every core a Cortex-M33. The Cortex-M7's FPU is one with double
# precision: that the firmware has no such instruction is up to the compiler's flags.
CPU_MODEL = {"cortex-m4f": arm_const.UC_CPU_ARM_CORTEX_M4, "cortex-m7f": arm_const.UC_CPU_ARM_CORTEX_M7}

ACCESS = {
    unicorn.UC_MEM_READ_UNMAPPED: "read from an address without memory",
    unicorn.UC_MEM_WRITE_UNMAPPED: "write to an address without memory",
    unicorn.UC_MEM_FETCH_UNMAPPED: "jump to an address without memory",
    unicorn.UC_MEM_WRITE_PROT: "write to flash",
    unicorn.UC_MEM_READ_PROT: "read from a protected address",
    unicorn.UC_MEM_FETCH_PROT: "jump to an address without code",
}
INVALID = "invalid instruction"
EXCEPTION = {1: INVALID, 2: "SVC instruction", 7: "BKPT instruction"}


@dataclass(frozen=True)
class Context:
    """A function whose calls are counted separately."""

    name: str
    address: int


@dataclass(frozen=True)
class Finished:
    """What a run leaves: bytes sent by UART, block counts (:data:`native.BLOCK`), completed calls of context 1.

    ``reason`` is one of the constants of :mod:`edgekit.emulate.native`; ``stack_used`` is None where the image does not
    mark its stack; ``mips`` is the speed of the run, start-up included.
    """

    reason: int
    sent: bytes
    received: int
    blocks: np.ndarray[Any, Any]
    runs: int
    stack_used: int | None
    mips: float


class Machine:
    """One run of one image on one board, from reset; use it as a context manager.

    ``leave(context, run)`` is called, after the first input byte, whenever a context function has returned.
    """

    def __init__(
        self,
        image: Image,
        board: Board,
        received: bytes,
        contexts: Sequence[Context] = (),
        budget: int = 1 << 62,
        stop_address: int | None = None,
        leave: Callable[[int, int], None] | None = None,
    ) -> None:
        self._image, self._board, self._contexts, self._budget = image, board, contexts, budget
        self._failure: tuple[str, int] | None = None
        self._bad_address: int | None = None
        self._callback_error: BaseException | None = None
        self._leave = leave
        self._received = received
        self._lib = native.library()
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self._uc.ctl_set_cpu_model(CPU_MODEL[board.core])
        self._keep: list[Any] = []
        functions = native.Unicorn(*(native.address_of(getattr(uclib, f"uc_{name}")) for name in native.Unicorn.NAMES))
        self._trace = self._make_trace(functions, stop_address)
        self._bus = self._lib.ek_bus_new(self._trace, received, len(received))
        self._map_memories()
        self._map_peripherals()
        self._hook()

    def __enter__(self) -> Machine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._uc
        self._lib.ek_bus_free(self._bus)
        self._lib.ek_trace_free(self._trace)

    def read(self, address: int, size: int) -> bytes:
        """Memory contents, also from within ``leave``."""
        return bytes(self._uc.mem_read(address, size))

    def run(self) -> Finished:
        """Runs from reset until the firmware waits for more input or reaches ``stop_address``.

        Raises:
            EmulationError: fault, endless loop or exhausted budget, with address, symbol and context.
        """
        stack_top, reset = np.frombuffer(self.read(self._board.flash.start, 8), "<u4").tolist()
        self._uc.reg_write(arm_const.UC_ARM_REG_SP, stack_top)
        start = time.perf_counter()
        try:
            self._uc.emu_start(reset | 1, 0xFFFFFFFE)
        except unicorn.UcError as error:
            what = INVALID if error.errno == unicorn.UC_ERR_INSN_INVALID else str(error)
            self._failure = self._failure or (what, self._pc())
        seconds = time.perf_counter() - start
        if self._callback_error is not None:
            raise self._callback_error
        if self._failure is not None:
            raise self._fault(*self._failure)
        reason = self._lib.ek_trace_reason(self._trace)
        if reason not in (native.IDLE, native.REACHED):
            raise self._stopped(reason, self._lib.ek_trace_address(self._trace))
        return self._finished(reason, seconds)

    def _make_trace(self, functions: native.Unicorn, stop_address: int | None) -> int:
        starts = (ctypes.c_uint32 * max(len(self._contexts), 1))(*(context.address for context in self._contexts))
        leave = native.LEAVE(self._on_leave) if self._leave else native.LEAVE()
        stop = (1 << 63) if stop_address is None else stop_address
        self._keep += [functions, starts, leave]
        pointer = ctypes.byref(functions)
        return int(self._lib.ek_trace_new(pointer, starts, len(self._contexts), self._budget, stop, leave))

    def _on_leave(self, context: int, run: int) -> None:
        assert self._leave is not None
        try:
            self._leave(context - 1, run)
        except BaseException as error:  # ctypes would print and drop it
            self._callback_error = error
            self._uc.emu_stop()

    def _map_memories(self) -> None:
        for memory in self._board.memories:
            start, end = memory.start & -PAGE, -(-memory.end // PAGE) * PAGE
            writable = unicorn.UC_PROT_WRITE if memory.kind == "ram" else 0
            self._uc.mem_map(start, end - start, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC | writable)
            fill = PAINT * (memory.bytes // len(PAINT)) if memory.kind == "ram" else b"\xff" * memory.bytes
            self._uc.mem_write(memory.start, fill)
        flash = self._image.flash_image(self._board)
        if len(flash) > self._board.flash.bytes:
            raise EmulationError("the image is larger than flash", where=str(self._image.path))
        self._uc.mem_write(self._board.flash.start, flash)

    def _map_peripherals(self) -> None:
        pages: set[int] = set()
        for device in self._board.peripherals:
            self._lib.ek_bus_add(self._bus, device.base, device.bytes)
            for offset, value in device.reset.items():
                self._lib.ek_bus_reset(self._bus, device.base + offset, value)
            for rule in device.follow:
                addresses = (device.base + offset for offset in (rule.register, rule.status_register))
                self._lib.ek_bus_follow(self._bus, *addresses, rule.bit, rule.of, rule.width)
            if uart := device.uart:
                addresses = (device.base + offset for offset in (uart.status, uart.receive, uart.transmit))
                self._lib.ek_bus_uart(self._bus, *addresses, uart.receive_ready, uart.transmit_ready)
            pages |= set(range(device.base & -PAGE, device.base + device.bytes, PAGE))
        read, write = (native.address_of(getattr(self._lib, name)) for name in ("ek_bus_read", "ek_bus_write"))
        for base in sorted(pages):
            page = ctypes.c_void_p(self._lib.ek_bus_page(self._bus, base))
            status = uclib.uc_mmio_map(
                self._uc._uch, ctypes.c_uint64(base), ctypes.c_size_t(PAGE), ctypes.c_void_p(read), page,
                ctypes.c_void_p(write), page,
            )  # fmt: skip
            assert status == unicorn.UC_ERR_OK, status

    def _hook(self) -> None:
        handle = ctypes.c_size_t()
        status = uclib.uc_hook_add(
            self._uc._uch,
            ctypes.byref(handle),
            unicorn.UC_HOOK_BLOCK,
            ctypes.c_void_p(native.address_of(self._lib.ek_trace_on_block)),
            ctypes.c_void_p(self._trace),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        assert status == unicorn.UC_ERR_OK, status
        self._uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_invalid_access)
        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)

    def _on_invalid_access(self, uc: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        self._failure = (f"{ACCESS.get(access, 'bad access')} 0x{address:08x}", self._pc())
        self._bad_address = address
        return False

    def _on_exception(self, uc: Any, number: int, data: Any) -> None:
        self._failure = (EXCEPTION.get(number, f"exception {number}"), self._pc())
        uc.emu_stop()

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
        what, fix = {
            native.BUDGET: (
                f"no end and no byte on the UART within {self._budget:,} instructions",
                "an endless loop, or a model that needs a larger instruction budget",
            ),
            native.SELF_LOOP: ("the firmware stays in an endless loop", "a fault handler, or main has returned"),
            native.NESTING: ("layer functions call each other without end", ""),
            native.NO_FPU: ("floating-point instruction while the FPU is off", "enable it in CPACR first"),
            native.NO_PERIPHERAL: (
                f"access to 0x{address:08x}, where board '{self._board.name}' has no peripheral",
                "describe the peripheral in the board's file",
            ),
        }.get(reason, (f"the emulator stopped (reason {reason})", ""))
        return EmulationError(what, self._where(self._pc() if reason == native.NO_PERIPHERAL else address), fix=fix)

    def _stack_used(self) -> int | None:
        if not self._image.has_stack:
            return None
        bottom, top = (self._image.symbols[name].address for name in ("__stack_bottom", "__stack_top"))
        words = np.frombuffer(self.read(bottom, top - bottom), "<u4")
        written = np.flatnonzero(words != np.frombuffer(PAINT, "<u4"))
        return top - bottom - 4 * int(written[0]) if written.size else 0

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
        )
