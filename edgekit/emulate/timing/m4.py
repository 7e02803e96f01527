"""Instruction timing of the Cortex-M4F.

Tables and rules: instruction set summary, load/store timings and FPU table of the Arm Cortex-M4 Technical Reference
Manual (DDI 0439; core part repeated in TI SWCU185G). What the manual gives as a range is fixed here:

* The pipeline refill of a taken branch is 1..3: 2 here, and 1 more when the target is a 32-bit instruction that is not
  4-byte aligned (fits published board measurements, see docs/cost-model.md).
* Divisions take 2..12 cycles: 2, and 10 for 32 bits of quotient, in proportion for fewer.
* A load's second cycle is hidden by a load or store right behind it whose address does not depend on it, if both go to
  the same memory; a store waits one cycle for a load right behind it (measured on an STM32F407: jnk0le, "pipeline cycle
  test", cortex_m3m4).
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


def schedule(
    instructions: Sequence[Instruction], before: Instruction | None, after: Instruction | None
) -> list[Charge]:
    """Charges of a block; every instruction issues after the one before it has."""
    previous = (before, *instructions[:-1])
    following = (*instructions[1:], after)
    return [charge(*three) for three in zip(instructions, previous, following, strict=True)]


def charge(one: Instruction, before: Instruction | None, after: Instruction | None) -> Charge:
    """Cycles of one instruction between its neighbours (None: reached or left by a branch), without refill."""
    execute, second = _base(one, before, after)
    return Charge(execute, second + _hazard(one, before), overlaps=one.is_load and second == 0)


def _hazard(one: Instruction, before: Instruction | None) -> int:
    if before is None:
        return 0
    if one.address & before.written and not before.is_memory:
        return 1  # no forwarding from data processing to address generation
    return int(before.name in FLOAT_ARITHMETIC and bool(one.read & before.written))


def _base(one: Instruction, before: Instruction | None, after: Instruction | None) -> tuple[int, int]:
    name = one.name
    if name in LOADS:
        return 1, 0 if after is not None and _hides_second_cycle(one, after) else 1
    if name in STORES:
        behind_load = before is not None and _hides_second_cycle(before, one)
        offset = 1 if one.index and not behind_load else 0
        return 1, offset + (1 if after is not None and after.is_load else 0)
    if name in MULTIPLE or name in DOUBLE:
        return 1 + one.transfers, 0
    if name in FLOAT_MEMORY:
        return one.transfers, 1
    if name == "vmov" and len(one.read | one.written) > 2:
        return 2, 0  # two core registers at once
    if name in DIVISIONS:
        return SHORTEST_DIVISION, 0
    if name in TABLE_BRANCHES:
        return 1, 1  # the load of its offset
    return FLOAT_ARITHMETIC.get(name, 1), 0


def _hides_second_cycle(load: Instruction, after: Instruction) -> bool:
    """Whether the access that follows a load begins in the load's second cycle; both must go to the same memory."""
    overlapping = (after.is_load and not after.base_update) or after.name in STORES
    return load.is_load and overlapping and not after.address & load.written


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
