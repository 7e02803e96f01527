"""Instruction timing of the Cortex-M4F.

Tables and rules: instruction set summary, load/store timings and FPU table of the Arm Cortex-M4 Technical Reference
Manual (DDI 0439; core part repeated in TI SWCU185G). What the manual gives as a range is fixed here:

* The pipeline refill of a taken branch is 1..3: 2 here, and 1 more when the target is a 32-bit instruction that is not
  4-byte aligned (fits published board measurements, see docs/cost-model.md).
* Divisions take 2..12 cycles: 2, and 10 for 32 bits of quotient, in proportion for fewer.
* Loads with base update do not overlap with a preceding load (measured: compendium.i-0.nl, load placement).
* A skipped instruction of an IT block takes 1 cycle; an IT takes 1 cycle, never folded.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.emulate.timing.core import Charge, Core
from edgekit.emulate.timing.instruction import (
    DIVISIONS,
    DOUBLE,
    FLOAT_MEMORY,
    LOADS,
    MULTIPLE,
    STORES,
    TABLE_BRANCHES,
    Instruction,
)

SHORTEST_DIVISION = 2
# The result of these arrives one cycle later when the next instruction needs it.
FLOAT_ARITHMETIC = {
    **dict.fromkeys(("vadd", "vsub", "vmul", "vnmul", "vcvt", "vcvtr", "vcvtb", "vcvtt"), 1),
    **dict.fromkeys(("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms"), 3),
    **dict.fromkeys(("vdiv", "vsqrt"), 14),
}


def charge(instruction: Instruction, previous: Instruction | None) -> Charge:
    """Cycles of one instruction that runs directly after ``previous``, without pipeline refill."""
    execute, second = _base(instruction, previous)
    return Charge(execute, second + _hazard(instruction, previous))


def _hazard(instruction: Instruction, previous: Instruction | None) -> int:
    if previous is None:
        return 0
    if instruction.address & previous.written and not previous.is_memory:
        return 1  # no forwarding from data processing to address generation
    return int(previous.name in FLOAT_ARITHMETIC and bool(instruction.read & previous.written))


def _base(instruction: Instruction, previous: Instruction | None) -> Charge:
    name = instruction.name
    overlaps = previous is not None and previous.is_load and not instruction.address & previous.written
    if name in LOADS:
        return Charge(1, 0 if overlaps and not instruction.base_update else 1)
    if name in STORES:
        return Charge(1, 1 if instruction.index and not overlaps else 0)
    if name in MULTIPLE or name in DOUBLE:
        return Charge(1 + instruction.transfers)
    if name in FLOAT_MEMORY:
        return Charge(instruction.transfers, 1)
    if name == "vmov" and len(instruction.read | instruction.written) > 2:
        return Charge(2)  # two core registers at once
    if name in DIVISIONS:
        return Charge(SHORTEST_DIVISION)
    if name in TABLE_BRANCHES:
        return Charge(1, 1)  # the load of its offset
    return Charge(FLOAT_ARITHMETIC.get(name, 1))


def schedule(instructions: Sequence[Instruction], entered_from: Instruction | None) -> list[Charge]:
    """Charges of a block; every instruction issues after the one before it has."""
    before = (entered_from, *instructions[:-1])
    return [charge(one, previous) for one, previous in zip(instructions, before, strict=True)]


CORTEX_M4F = Core(
    "cortex-m4f",
    schedule,
    taken=2,
    taken_wide=1,
    mispredicted=0,
    skips=True,
    quotient=10,
    bus_bytes=4,
    unaligned=1,
)
