"""Arm semihosting: how firmware without any peripheral prints and ends (BKPT 0xAB, operation in r0, argument in r1).

Operations and their numbers: Arm, "Semihosting for AArch32 and AArch64", Release 2024Q3. Files other than the console
are refused, time stands still: a run must not depend on the computer it runs on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

BREAKPOINT = 0xBEAB  # the instruction BKPT 0xAB

OPEN, CLOSE, WRITE_CHARACTER, WRITE_TEXT, WRITE, READ = range(1, 7)
READ_CHARACTER, IS_ERROR, IS_TERMINAL, SEEK, LENGTH = 0x07, 0x08, 0x09, 0x0A, 0x0C
CLOCK, TIME, ERROR_NUMBER, COMMAND_LINE, HEAP = 0x10, 0x11, 0x13, 0x15, 0x16
EXIT, EXIT_EXTENDED, ELAPSED, TICK_RATE = 0x18, 0x20, 0x30, 0x31

CONSOLE = b":tt"
CONSOLE_HANDLE = 1
FAILED = 0xFFFFFFFF
APPLICATION_EXIT = 0x20026  # ADP_Stopped_ApplicationExit
LONGEST_TEXT = 1 << 16


@dataclass
class Semihosting:
    """One run's console and end.

    Attributes:
        printed: what the firmware wrote to the console.
        exit_code: None until the firmware ends itself.
    """

    printed: bytearray = field(default_factory=bytearray)
    exit_code: int | None = None

    def call(
        self, operation: int, argument: int, read: Callable[[int, int], bytes], write: Callable[[int, bytes], None]
    ) -> int:
        """Carry out one operation; returns what goes into r0.

        Args:
            read, write: access to the machine's memory.
        """

        def word(index: int) -> int:
            return int.from_bytes(read(argument + 4 * index, 4), "little")

        if operation == EXIT:
            self.exit_code = 0 if argument == APPLICATION_EXIT else 1
        elif operation == EXIT_EXTENDED:
            self.exit_code = word(1) if word(0) == APPLICATION_EXIT else 1
        elif operation == WRITE_CHARACTER:
            self.printed += read(argument, 1)
        elif operation == WRITE_TEXT:
            self.printed += _text(argument, read)
        elif operation == WRITE and word(0) == CONSOLE_HANDLE:
            self.printed += read(word(1), word(2))
            return 0
        elif operation == OPEN:
            return CONSOLE_HANDLE if read(word(0), len(CONSOLE)) == CONSOLE else FAILED
        elif operation == READ:
            return word(2)  # nothing read: the end of the input
        elif operation == IS_ERROR:
            return int(word(0) >> 31)
        elif operation == IS_TERMINAL:
            return int(word(0) == CONSOLE_HANDLE)
        elif operation == HEAP:
            write(word(0), bytes(16))  # zeros: the firmware's own linker script decides
        elif operation == COMMAND_LINE:
            write(word(0), b"\0")
            write(argument + 4, bytes(4))
        elif operation in (ELAPSED, CLOSE, CLOCK, TIME, ERROR_NUMBER):
            return 0
        else:
            return FAILED
        return 0


def _text(address: int, read: Callable[[int, int], bytes]) -> bytes:
    found = bytearray()
    while len(found) < LONGEST_TEXT and (byte := read(address + len(found), 1)) != b"\0":
        found += byte
    return bytes(found)
