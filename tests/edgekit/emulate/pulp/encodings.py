"""XpulpV2 instructions as words, from the project's encoding sheet (xpulpv2.csv: match, mask, operand letters)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# x10: result (and third source), x11: rs1, x12: rs2; hardware loops use other encodings.
RD, RS1, RS2 = 10, 11, 12


@dataclass(frozen=True)
class Encoding:
    """A row of the sheet; several mnemonics may share one."""

    mnemonic: str
    operands: str
    match: int
    mask: int

    def word(self, *, rd: int = RD, rs1: int = RS1, rs2: int = RS2, is2: int = 0, is3: int = 0, imm6: int = 0) -> int:
        """The instruction with its operands: ``is2`` in the place of rs2, ``is3`` in bits 29:25, ``imm6`` of .sci."""
        letters = self.operands.split(",")
        word = self.match
        if "d" in letters:
            word |= rd << 7
        if "s" in letters:
            word |= rs1 << 15
        if "t" in letters:
            word |= rs2 << 20
        if "bi" in letters:
            word |= is2 << 20
        if "b5" in letters:
            word |= is3 << 25
        if any(letter in ("bs", "bu", "bU", "bf", "bF") for letter in letters):
            word |= (imm6 >> 1 & 31) << 20 | (imm6 & 1) << 25
        assert word & self.mask == self.match, self.mnemonic
        return word


@cache
def encodings() -> tuple[Encoding, ...]:
    """All rows of the sheet, without later names of one encoding."""
    with (Path(__file__).parent / "xpulpv2.csv").open(encoding="utf-8") as stream:
        rows = [
            Encoding(row["mnemonic"], row["operands"], int(row["match"], 0), int(row["mask"], 0))
            for row in csv.DictReader(stream)
        ]
    first = {(row.match, row.mask): row for row in reversed(rows)}
    return tuple(row for row in rows if first[row.match, row.mask] is row)


def encoding(mnemonic: str, operands: str | None = None) -> Encoding:
    """The row of that mnemonic (and operand letters)."""
    return next(e for e in encodings() if e.mnemonic == mnemonic and operands in (None, e.operands))
