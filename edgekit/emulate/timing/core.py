"""What a core's timing consists of: prices of instruction sequences, and of what only the running program shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from edgekit.emulate.timing.instruction import Instruction


class Charge(NamedTuple):
    """Cycles of one instruction: issue and execution, and waiting for operands (mostly of loads).

    ``overlaps``: it is a load whose second cycle the next access hides, unless that goes to another memory.
    """

    execute: int
    load_use: int = 0
    overlaps: bool = False

    @property
    def cycles(self) -> int:
        return self.execute + self.load_use


# Charges of instructions that run one after the other, given the ones before and after them if control falls through.
Schedule = Callable[[Sequence[Instruction], Instruction | None, Instruction | None], list[Charge]]


@dataclass(frozen=True)
class Core:
    """A core's timing; every number is in cycles.

    Attributes:
        schedule: charges of the instructions of a block, without branches' refill and without waiting for memory.
        taken: added for every taken branch.
        taken_wide: more when its target is a 32-bit instruction that is not 4-byte aligned.
        mispredicted: added for every branch that a two-bit counter predicts wrongly.
        skips: conditional instructions cost 1 when skipped and their charge when they run; otherwise always the latter.
        quotient: what 32 bits of quotient add to the shortest division; in proportion for shorter ones.
        bus_bytes: width of the data bus: what an unaligned access has to be split for.
        unaligned: added for every further bus access of one that is not aligned.
    """

    name: str
    schedule: Schedule
    taken: int
    taken_wide: int
    mispredicted: int
    skips: bool
    quotient: int
    bus_bytes: int
    unaligned: int


SKIPPED = Charge(1)


@dataclass(frozen=True)
class StaticBlock:
    """Instructions that always run one after the other, with their charges."""

    instructions: tuple[Instruction, ...]
    charges: tuple[Charge, ...]
    skips: bool

    @cached_property
    def execute(self) -> int:
        """Cycles of issue and execution of one run of the block, conditional instructions skipped."""
        return sum(charge.execute for charge in self._fixed)

    @cached_property
    def load_use(self) -> int:
        """The same, of waiting for operands."""
        return sum(charge.load_use for charge in self._fixed)

    def extra(self, index: int) -> Charge:
        """What a conditional instruction costs beyond ``SKIPPED`` when it runs; nothing for all others."""
        charge = self.charges[index]
        if not (self.skips and self.instructions[index].conditional):
            return Charge(0)
        return Charge(charge.execute - SKIPPED.execute, charge.load_use)

    @property
    def _fixed(self) -> list[Charge]:
        pairs = zip(self.instructions, self.charges, strict=True)
        return [SKIPPED if self.skips and one.conditional else charge for one, charge in pairs]
