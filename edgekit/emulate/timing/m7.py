"""Instruction timing of the Cortex-M7: in-order dual issue. Arm publishes no table; this model rests on

* the compilers' pipeline descriptions: LLVM's ARMScheduleM7.td (units, latencies, which operands are needed a cycle
  early) and GCC's cortex-m7.md (one load/store unit, several registers at two per cycle);
* measurements on an STM32H7: jnk0le's "pipeline cycle test" (a misprediction costs 8 cycles, 6 where the flags are old;
  unaligned loads 3 more; multiplications do not pair with stores; a loaded word reaches a multiplication a cycle late),
  quinapalus.com/cm7cycles (a loaded address is there after 3 cycles) and mastodawn.com #CortexM7 (SIMD and DSP
  instructions only as the first of a pair, one shifter per cycle).

Where they differ the slower one is taken; loads of different banks, which can pair, are priced as if they never did.
Blocks are scheduled one by one: the last instructions of a block and the first of the next never pair. Predicted
branches cost their issue slot only; a two-bit counter per block stands for the predictor.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.emulate.timing.core import Charge, Core
from edgekit.emulate.timing.instruction import DIVISIONS, DOUBLE, LOADS, MULTIPLE, TABLE_BRANCHES, Instruction

DIVISION = 7
MISPREDICTED = 8
UNALIGNED = 3
WIDTH = 2

MULTIPLY = frozenset(
    ("mul", "mla", "mls", "smull", "umull", "smlal", "umlal", "umaal", "smmul", "smmulr", "smmla", "smmlar", "smmls")
)
DUAL_MULTIPLY = ("smul", "smla", "smls", "smua", "smus")  # prefixes: 16-bit multiplications, one or two at once
LONG_ACCUMULATE = ("smlal", "umlal", "umaal", "smlsl")
ACCUMULATE = ("mla", "mls", "smmla", "smmls", "smla", "smls")
# SIMD, packing, saturation and bit fields: only as the first of a pair; the second group's results take a cycle more.
FIRST_ONLY = (
    "sadd", "ssub", "uadd", "usub", "shadd", "shsub", "uhadd", "uhsub", "sasx", "ssax", "uasx", "usax", "sel",
    "sxta", "uxta", "sxtb16", "uxtb16", "pkh", "rev", "rbit", "clz", "bfi", "bfc", "sbfx", "ubfx",
)  # fmt: skip
FIRST_ONLY_SLOW = ("ssat", "usat", "qadd", "qsub", "qdadd", "qdsub", "uqadd", "uqsub", "qasx", "qsax", "usad")
SHIFTER = ("lsl", "lsr", "asr", "ror", "rrx", "sxt", "uxt", "bfi", "bfc", "sbfx", "ubfx", "pkh", "ssat", "usat")
FLOAT_LATENCY = {
    **dict.fromkeys(("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms"), 6),
    **dict.fromkeys(("vdiv", "vsqrt"), 16),
}
FLOAT_MEMORY_LATENCY = 2


def schedule(
    instructions: Sequence[Instruction], before: Instruction | None, after: Instruction | None
) -> list[Charge]:
    """Charges of a block: the cycles that issuing each instruction adds (0: it pairs), and its wait for operands."""
    ready: dict[int, int] = {}
    loaded: set[int] = set()
    charges: list[Charge] = []
    now, group = -1, list[Instruction]()
    for one in instructions:
        needs = [(register, early) for register, early in _needs(one) if register in ready]
        late = _late_for_loads(one)
        needed = max((ready[r] + early + (r in loaded and r in late) for r, early in needs), default=0)
        if group and needed <= now and _pairs(group, one):
            group.append(one)
            charges.append(Charge(0))
            issued = now
        else:
            issued, cycles = max(now + 1, needed), _occupies(one)
            charges.append(Charge(cycles, issued - now - 1))
            now, group = issued + cycles - 1, [one]
        for register in one.written:
            ready[register] = max(now, issued) + _latency(one, register)
        loaded = (loaded - one.written) | (one.written - one.address if one.is_memory else frozenset())
    return charges


def _late_for_loads(one: Instruction) -> frozenset[int]:
    """Operands that a load's result reaches one cycle later than other results."""
    if _multiplies(one):
        return frozenset(one.operands[2:4] if one.name.startswith(LONG_ACCUMULATE) else one.operands[1:3])
    return one.address


def _needs(one: Instruction) -> list[tuple[int, int]]:
    """Registers read, and how many cycles before (positive) or behind the usual stage."""
    if one.jumps and not one.is_memory:
        return []  # branches are predicted
    needs = dict.fromkeys(one.read, 0)
    if one.name.startswith(ACCUMULATE + LONG_ACCUMULATE):
        long = one.name.startswith(LONG_ACCUMULATE)
        needs.update(dict.fromkeys(one.operands[:2] if long else one.operands[3:], -1))
    if one.is_store and one.operands:
        needs[one.operands[0]] = -1
    if one.shifted and one.operands:
        needs[one.operands[-1]] = 1
    needs.update(dict.fromkeys(one.address, 1))
    return list(needs.items())


def _latency(one: Instruction, register: int) -> int:
    """Cycles from issue until another instruction can use the result."""
    name = one.name
    if one.is_memory:
        if register in one.address:
            return 0 if one.base_update else 1
        if name.startswith("v"):
            return FLOAT_MEMORY_LATENCY
        return 2 if name in LOADS and one.transfer_bytes < 4 else 1
    if name.startswith("v"):
        return FLOAT_LATENCY.get(name, 3)
    return 2 if _multiplies(one) or name.startswith(FIRST_ONLY_SLOW) else 1


def _occupies(one: Instruction) -> int:
    """Issue cycles that an instruction takes for itself."""
    if one.name in DIVISIONS:
        return DIVISION
    if one.name in MULTIPLE or one.name in DOUBLE:
        return max(1, -(-one.transfers // 2))
    return 2 if one.name in TABLE_BRANCHES else 1


def _alone(one: Instruction) -> bool:
    return one.name in DIVISIONS or one.name in MULTIPLE or one.name in DOUBLE or one.name in TABLE_BRANCHES


def _multiplies(one: Instruction) -> bool:
    return one.name in MULTIPLY or one.name.startswith(DUAL_MULTIPLY)


def _pairs(group: Sequence[Instruction], one: Instruction) -> bool:
    """Whether ``one`` can issue together with the instruction before it, operands aside."""
    first = group[0]
    if len(group) == WIDTH or _alone(first) or _alone(one) or first.jumps:
        return False
    if one.name.startswith(FIRST_ONLY + FIRST_ONLY_SLOW):
        return False
    if first.written & one.read and not (one.is_store or one.jumps):
        return False  # only stores and branches can use a result of their own cycle
    shared = (
        first.is_memory and one.is_memory,
        first.is_store and _multiplies(one),
        _multiplies(first) and one.is_store,
        _multiplies(first) and _multiplies(one),
        _shifts(first) and _shifts(one),
        first.name.startswith("v") and one.name.startswith("v"),
    )
    return not any(shared) and not first.written & one.written - {0}


def _shifts(one: Instruction) -> bool:
    return one.shifted or one.name.startswith(SHIFTER)


CORTEX_M7F = Core(
    "cortex-m7f",
    schedule,
    taken=0,
    taken_wide=0,
    mispredicted=MISPREDICTED,
    skips=False,
    quotient=0,
    bus_bytes=8,
    unaligned=UNALIGNED,
)
