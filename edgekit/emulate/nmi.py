"""The non-maskable interrupt: stacking, handler, return (Armv7-M Architecture Reference Manual, B1.5.6 to B1.5.8).

The core takes it at the end of the block that caused it. Its frame is the basic one: handlers use no FPU.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from unicorn import arm_const

VECTOR = 2  # its place in the vector table
TO_THREAD = 0xFFFFFFF9  # EXC_RETURN: thread mode, main stack, basic frame
FRAME = struct.Struct("<8I")
REGISTERS = tuple(getattr(arm_const, f"UC_ARM_REG_{name}") for name in ("R0", "R1", "R2", "R3", "R12", "LR"))
SP, LR, PC, XPSR = (getattr(arm_const, f"UC_ARM_REG_{name}") for name in ("SP", "LR", "PC", "XPSR"))
ALIGNED = 1 << 9  # of the stacked xPSR: the frame lies 4 bytes further down
THUMB = 1 << 24


class Nmi:
    """Whether a core is in its NMI handler, and how it gets there and back.

    Args:
        vectors: address of the vector table.
    """

    def __init__(self, uc: Any, read: Callable[[int, int], bytes], vectors: int) -> None:
        self._uc, self._read, self._vectors = uc, read, vectors
        self.active = self.returning = False

    def is_return(self, address: int) -> bool:
        """Whether a jump there ends the handler; remembers it."""
        self.returning = self.active and address & -16 == TO_THREAD & -16
        return self.returning

    def enter(self) -> None:
        """Stack the registers and go to the handler."""
        top, status = self._uc.reg_read(SP), self._uc.reg_read(XPSR) | THUMB
        padding = top & 4
        values = [self._uc.reg_read(register) for register in (*REGISTERS, PC)]
        bottom = top - padding - FRAME.size
        self._uc.mem_write(bottom, FRAME.pack(*values, status | (ALIGNED if padding else 0)))
        self._uc.reg_write(SP, bottom)
        self._uc.reg_write(LR, TO_THREAD)
        self._uc.reg_write(PC, int.from_bytes(self._read(self._vectors + 4 * VECTOR, 4), "little") | 1)
        self.active = True

    def leave(self) -> None:
        """Go on where the handler was entered."""
        bottom = self._uc.reg_read(SP)
        *values, status = FRAME.unpack(self._read(bottom, FRAME.size))
        for register, value in zip(REGISTERS, values[:-1], strict=True):
            self._uc.reg_write(register, value)
        self._uc.reg_write(SP, bottom + FRAME.size + (4 if status & ALIGNED else 0))
        self._uc.reg_write(XPSR, status & ~ALIGNED)
        self._uc.reg_write(PC, values[-1] | 1)
        self.active = self.returning = False
