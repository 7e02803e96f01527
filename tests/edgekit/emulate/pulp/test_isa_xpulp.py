"""Every arithmetic XpulpV2 instruction over corner values, against definitions from the manual's text."""

from __future__ import annotations

from pathlib import Path

from tests.edgekit.emulate.pulp.definitions import definition, second_operand
from tests.edgekit.emulate.pulp.encodings import Encoding, encodings
from tests.edgekit.emulate.pulp.isa import Case, wrong

FIELDS = [(0, 0), (0, 31), (31, 0), (5, 7), (16, 15), (20, 30), (31, 31)]  # position, length - 1
SHIFTS = (0, 1, 8, 15, 31)
WIDTHS = (0, 1, 2, 8, 16, 31)
IMMEDIATES = (0, 1, 2, 21, 31, 32, 47, 63)
STANDARD = ("p.mul", "p.mulh", "p.mulhu", "p.mulhsu", "p.div", "p.divu", "p.rem", "p.remu")  # of RV32M
OTHER = ("p.l", "p.sb", "p.sh", "p.sw", "lp.", "p.b", "p.elw")  # memory, loops, branches: test_isa_memory, test_loops


def arithmetic() -> list[Encoding]:
    """Rows whose result depends on registers only."""
    kept = ("p.bset", "p.bsetr", "p.bclr", "p.bclrr")
    return [
        row
        for row in encodings()
        if row.mnemonic not in STANDARD and (row.mnemonic in kept or not row.mnemonic.startswith(OTHER))
    ]


def cases_of(row: Encoding) -> list[Case]:
    """One case per choice of immediates."""
    define = definition(row.mnemonic)
    letters = row.operands.split(",")
    if row.mnemonic.startswith("pv."):
        choices = IMMEDIATES if letters[-1] in ("bs", "bu", "bU", "bf", "bF") else (0,)
        if letters[-1] in ("bf", "bF"):
            choices = (0, 1) if letters[-1] == "bf" else (0, 1, 2, 3)
        cases = []
        for imm6 in choices:
            second = second_operand(row.mnemonic, imm6)
            label = f"{row.mnemonic} {imm6}"
            code = f".word {row.word(imm6=imm6):#x}"
            cases.append(Case(label, code, lambda d, a, b, f=define, s=second: f(d, a, s(b), 0)))
        return cases
    if "b5" in letters and "bi" in letters:
        return [
            Case(
                f"{row.mnemonic} {p} {n}",
                f".word {row.word(is2=p, is3=n):#x}",
                lambda d, a, b, p=p, n=n: define(d, a, p, n),
            )
            for p, n in FIELDS
        ]
    if "bi" in letters:
        return [
            Case(f"{row.mnemonic} {w}", f".word {row.word(is2=w):#x}", lambda d, a, b, w=w: define(d, a, w, 0))
            for w in WIDTHS
        ]
    if "b5" in letters:
        return [
            Case(f"{row.mnemonic} {n}", f".word {row.word(is3=n):#x}", lambda d, a, b, n=n: define(d, a, b, n))
            for n in SHIFTS
        ]
    return [Case(row.mnemonic, f".word {row.word():#x}", lambda d, a, b: define(d, a, b, 0))]


def test_all_over_corner_values(tmp_path: Path) -> None:
    cases = [case for row in arithmetic() for case in cases_of(row)]
    assert len({case.code for case in cases}) > 400
    assert wrong(cases, tmp_path) == []


def test_sources_and_result_may_be_one_register(tmp_path: Path) -> None:
    cases = []
    for row in arithmetic():
        if row.operands == "d,s,t":
            define = definition(row.mnemonic)
            second = second_operand(row.mnemonic, 0) if row.mnemonic.startswith("pv.") else lambda rs2: rs2
            same = f".word {row.word(rs1=10, rs2=10):#x}"
            cases.append(Case(f"{row.mnemonic} a0", same, lambda d, a, b, f=define, s=second: f(d, d, s(d), 0)))
    assert len(cases) > 100
    assert wrong(cases, tmp_path) == []


def test_x0_is_read_as_zero_and_never_written(tmp_path: Path) -> None:
    cases = []
    for row in arithmetic():
        if row.operands == "d,s,t":
            define = definition(row.mnemonic)
            second = second_operand(row.mnemonic, 0) if row.mnemonic.startswith("pv.") else lambda rs2: rs2
            into = f".word {row.word(rd=0):#x}"
            from_zero = f".word {row.word(rs1=0):#x}"
            cases.append(Case(f"{row.mnemonic} to x0", into, lambda d, a, b: 0, result="x0"))
            cases.append(Case(f"{row.mnemonic} of x0", from_zero, lambda d, a, b, f=define, s=second: f(d, 0, s(b), 0)))
    assert wrong(cases, tmp_path) == []
