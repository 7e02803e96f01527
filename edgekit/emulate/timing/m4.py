"""Instruction timing of the Cortex-M4F at zero wait states.

Tables and rules: instruction set summary, load/store timings and FPU table of the Arm Cortex-M4 Technical Reference
Manual (DDI 0439; core part repeated in TI SWCU185G). What the manual gives as a range is fixed here, and what only the
running program knows is left out:

* P, the pipeline refill of a taken branch, is 1..3: 2 here, and 1 more when the target is a 32-bit instruction that is
  not 4-byte aligned (fits published board measurements).
* Divisions take 2..12 cycles depending on the values: 7 here.
* Loads with base update do not overlap with a preceding load (measured: compendium.i-0.nl, load placement).
* Instructions of an IT block are priced as executed (skipped ones take 1 cycle); an IT takes 1 cycle, never folded.
* Unaligned data, a full write buffer and bus contention cost more on the board.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import capstone
from capstone import arm

REFILL = 2
WIDE_TARGET = 1
DIVIDE = 7

LOADS = frozenset(("ldr", "ldrb", "ldrh", "ldrsb", "ldrsh", "ldrex", "ldrexb", "ldrexh", "ldrt", "ldrbt", "ldrht"))
STORES = frozenset(("str", "strb", "strh", "strt", "strbt", "strht"))
# 1 + one cycle for each register
MULTIPLE = frozenset(
    ("ldm", "ldmdb", "pop", "stm", "stmdb", "push", "vldmia", "vldmdb", "vpop", "vstmia", "vstmdb", "vpush")
)
DOUBLE = {"ldrd": 3, "strd": 3}
TABLE_BRANCHES = {"tbb": 2, "tbh": 2}
FLOAT_MEMORY = frozenset(("vldr", "vstr"))
# The result of these arrives one cycle later when the next instruction needs it.
FLOAT_ARITHMETIC = {
    **dict.fromkeys(("vadd", "vsub", "vmul", "vnmul", "vcvt", "vcvtr", "vcvtb", "vcvtt"), 1),
    **dict.fromkeys(("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms"), 3),
    **dict.fromkeys(("vdiv", "vsqrt"), 14),
}
DIVISIONS = frozenset(("sdiv", "udiv"))
BRANCHES = frozenset(("b", "bl", "bx", "blx", "cbz", "cbnz"))


@dataclass(frozen=True)
class Instruction:
    """What timing needs to know of one decoded instruction; registers are capstone's numbers."""

    name: str
    written: frozenset[int]
    read: frozenset[int]
    address: frozenset[int]
    register_offset: bool
    base_update: bool
    registers: int
    jumps: bool

    @property
    def is_load(self) -> bool:
        """A single load, the kind that the next load or store overlaps with."""
        return self.name in LOADS

    @property
    def is_memory(self) -> bool:
        return bool(self.address) or self.name in MULTIPLE


def decode(code: capstone.CsInsn) -> Instruction:
    """Reduces a decoded instruction to its :class:`Instruction`."""
    name = code.insn_name()
    registers = [operand.reg for operand in code.operands if operand.type == arm.ARM_OP_REG]
    memory = next((operand.mem for operand in code.operands if operand.type == arm.ARM_OP_MEM), None)
    read, written = (frozenset(group) for group in code.regs_access())
    address = frozenset(register for register in (memory.base, memory.index) if register) if memory else frozenset()
    listed: list[int] = []
    if name in MULTIPLE:
        on_stack = name in ("push", "pop", "vpush", "vpop")
        address = frozenset((arm.ARM_REG_SP,) if on_stack else registers[:1])
        listed = registers if on_stack else registers[1:]
    destinations = listed if name in ("pop", "ldm", "ldmdb") else registers[:1] if name in ("ldr", "mov", "add") else []
    return Instruction(
        name=name,
        written=written,
        read=read,
        address=address,
        register_offset=bool(memory and memory.index),
        base_update=code.writeback,
        registers=sum(2 if _is_double(register) else 1 for register in listed),
        jumps=name in BRANCHES or name in TABLE_BRANCHES or arm.ARM_REG_PC in destinations,
    )


def cycles(instruction: Instruction, previous: Instruction | None) -> int:
    """Cycles of one instruction that runs directly after ``previous``, without pipeline refill."""
    stall = 0
    if previous is not None:
        if instruction.address & previous.written and not previous.is_memory:
            stall = 1  # no forwarding from data processing to address generation
        if previous.name in FLOAT_ARITHMETIC and instruction.read & previous.written:
            stall = 1
    return stall + _base(instruction, previous)


def _base(instruction: Instruction, previous: Instruction | None) -> int:
    name = instruction.name
    overlaps = previous is not None and previous.is_load and not instruction.address & previous.written
    if name in LOADS:
        return 1 if overlaps and not instruction.base_update else 2
    if name in STORES:
        return 2 if instruction.register_offset and not overlaps else 1
    if name in MULTIPLE:
        return 1 + instruction.registers
    if name in FLOAT_MEMORY:
        return 2 + any(_is_double(register) for register in instruction.read | instruction.written)
    if name == "vmov" and len(instruction.read | instruction.written) > 2:
        return 2  # two core registers at once
    if name in DIVISIONS:
        return DIVIDE
    return {**DOUBLE, **TABLE_BRANCHES, **FLOAT_ARITHMETIC}.get(name, 1)


def _is_double(register: int) -> bool:
    return bool(arm.ARM_REG_D0 <= register <= arm.ARM_REG_D31)


@dataclass(frozen=True)
class StaticBlock:
    """Instructions that always run one after the other.

    ``entered_from`` is the last instruction before them where they continue another block.
    """

    instructions: tuple[Instruction, ...]
    entered_from: Instruction | None = None

    @cached_property
    def falls_through(self) -> int:
        """Cycles when the block is left at its end."""
        last = self.instructions[-1]
        return self._body + (1 if last.jumps else self._last)

    @cached_property
    def taken(self) -> int:
        """Cycles when the block is left by its branch, refill included, for a target that costs nothing extra."""
        return self._body + self._last + REFILL

    @cached_property
    def _body(self) -> int:
        pairs = zip(self.instructions[:-1], (self.entered_from, *self.instructions), strict=False)
        return sum(cycles(instruction, previous) for instruction, previous in pairs)

    @cached_property
    def _last(self) -> int:
        previous = self.instructions[-2] if len(self.instructions) > 1 else self.entered_from
        return cycles(self.instructions[-1], previous)
