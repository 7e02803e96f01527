"""RV32IMC over corner values, against definitions from the unprivileged ISA's text. The assembler is zig's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edgekit.emulate.pulp.definitions import WORD, signed
from tests.edgekit.emulate.pulp.isa import Case, wrong

IMMEDIATES = (0, 1, -1, 31, 2047, -2048)


def quotient(a: int, b: int) -> int:
    """Towards zero; all ones of a division by zero. The one overflow wraps."""
    if b == 0:
        return -1
    size = abs(a) // abs(b)
    return -size if (a < 0) != (b < 0) else size


def remainder(a: int, b: int) -> int:
    return a if b == 0 else a - b * quotient(a, b)


REGISTER = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "sll": lambda a, b: a << (b & 31),
    "slt": lambda a, b: signed(a) < signed(b),
    "sltu": lambda a, b: a < b,
    "xor": lambda a, b: a ^ b,
    "srl": lambda a, b: a >> (b & 31),
    "sra": lambda a, b: signed(a) >> (b & 31),
    "or": lambda a, b: a | b,
    "and": lambda a, b: a & b,
    "mul": lambda a, b: a * b,
    "mulh": lambda a, b: signed(a) * signed(b) >> 32,
    "mulhsu": lambda a, b: signed(a) * b >> 32,
    "mulhu": lambda a, b: a * b >> 32,
    "div": lambda a, b: quotient(signed(a), signed(b)),
    "divu": lambda a, b: quotient(a, b),
    "rem": lambda a, b: remainder(signed(a), signed(b)),
    "remu": lambda a, b: remainder(a, b),
}
IMMEDIATE = {
    "addi": lambda a, i: a + i,
    "slti": lambda a, i: signed(a) < i,
    "sltiu": lambda a, i: a < i & WORD,
    "xori": lambda a, i: a ^ i & WORD,
    "ori": lambda a, i: a | i & WORD,
    "andi": lambda a, i: a & i & WORD,
}
SHIFT = {
    "slli": lambda a, i: a << i,
    "srli": lambda a, i: a >> i,
    "srai": lambda a, i: signed(a) >> i,
}
CONDITION = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: signed(a) < signed(b),
    "bge": lambda a, b: signed(a) >= signed(b),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}
COMPRESSED = {
    "c.add a0, a1": lambda d, a, b: d + a,
    "c.mv a0, a1": lambda d, a, b: a,
    "c.sub a0, a1": lambda d, a, b: d - a,
    "c.xor a0, a1": lambda d, a, b: d ^ a,
    "c.or a0, a1": lambda d, a, b: d | a,
    "c.and a0, a1": lambda d, a, b: d & a,
    "c.li a0, -32": lambda d, a, b: -32,
    "c.li a0, 31": lambda d, a, b: 31,
    "c.lui a0, 0xfffe0": lambda d, a, b: 0xFFFE0000,
    "c.lui a0, 31": lambda d, a, b: 31 << 12,
    "c.addi a0, -32": lambda d, a, b: d - 32,
    "c.addi a0, 31": lambda d, a, b: d + 31,
    "c.andi a0, -32": lambda d, a, b: d & -32,
    "c.andi a0, 31": lambda d, a, b: d & 31,
    "c.slli a0, 31": lambda d, a, b: d << 31,
    "c.slli a0, 1": lambda d, a, b: d << 1,
    "c.srli a0, 31": lambda d, a, b: d >> 31,
    "c.srai a0, 31": lambda d, a, b: signed(d) >> 31,
    "c.srai a0, 1": lambda d, a, b: signed(d) >> 1,
    "c.nop": lambda d, a, b: d,
    "mv a3, sp; c.addi4spn a0, sp, 1020; sub a0, a0, a3": lambda d, a, b: 1020,
    "mv a3, sp; c.addi16sp sp, 496; sub a0, sp, a3; mv sp, a3": lambda d, a, b: 496,
    "mv a3, sp; c.addi16sp sp, -512; sub a0, sp, a3; mv sp, a3": lambda d, a, b: -512,
    "addi sp, sp, -256; c.swsp a1, 252(sp); lw a0, 252(sp); addi sp, sp, 256": lambda d, a, b: a,
    "addi sp, sp, -256; sw a2, 252(sp); c.lwsp a0, 252(sp); addi sp, sp, 256": lambda d, a, b: b,
    "addi sp, sp, -128; mv a3, sp; c.sw a1, 124(a3); lw a0, 124(sp); addi sp, sp, 128": lambda d, a, b: a,
    "addi sp, sp, -128; mv a3, sp; sw a2, 124(a3); c.lw a0, 124(a3); addi sp, sp, 128": lambda d, a, b: b,
    "c.beqz a1, 2f; c.li a0, 1; c.j 3f; 2: c.li a0, 2; 3:": lambda d, a, b: 1 if a else 2,
    "c.bnez a1, 2f; c.li a0, 1; c.j 3f; 2: c.li a0, 2; 3:": lambda d, a, b: 2 if a else 1,
    "mv a3, ra; c.jal 2f; addi a0, a1, 2; c.j 3f; 2: c.jr ra; 3: mv ra, a3": lambda d, a, b: a + 2,
    "mv a3, ra; la a4, 2f; c.jalr a4; addi a0, a1, 2; c.j 3f; 2: c.jr ra; 3: mv ra, a3": lambda d, a, b: a + 2,
}
UPPER = {
    "lui a0, 0xfffff": lambda d, a, b: 0xFFFFF000,
    "lui a0, 1": lambda d, a, b: 0x1000,
    "2: auipc a0, 0xfffff; la a3, 2b; sub a0, a0, a3": lambda d, a, b: 0xFFFFF000,
    "mv a3, ra; 2: jal 3f; 3: la a4, 2b; sub a0, ra, a4; mv ra, a3": lambda d, a, b: 4,
    "la a3, 2f; jalr a4, a3, 4; 2: j 3f; la a3, 2b; sub a0, a4, a3; 3:": lambda d, a, b: 0,
    "fence; fence.i; mv a0, a1": lambda d, a, b: a,
}


def lines(code: str) -> str:
    """One line per instruction; a case starts without compressed instructions."""
    return (".option rvc\\n" if "c." in code else "") + code.replace(";", "\\n")


def test_registers_and_immediates(tmp_path: Path) -> None:
    cases = [Case(name, f"{name} a0, a1, a2", lambda d, a, b, f=f: f(a, b)) for name, f in REGISTER.items()]
    for table, immediates in ((IMMEDIATE, IMMEDIATES), (SHIFT, (0, 1, 31))):
        for name, f in table.items():
            for i in immediates:
                cases.append(Case(f"{name} {i}", f"{name} a0, a1, {i}", lambda d, a, b, f=f, i=i: f(a, i)))
    assert wrong(cases, tmp_path) == []


def test_branches_both_ways(tmp_path: Path) -> None:
    cases = []
    for name, f in CONDITION.items():
        forward = lines(f"{name} a1, a2, 2f; li a0, 1; j 3f; 2: li a0, 2; 3:")
        backward = lines(f"j 4f; 2: li a0, 2; j 3f; 4: {name} a1, a2, 2b; li a0, 1; 3:")
        expected = lambda d, a, b, f=f: 2 if f(a, b) else 1  # noqa: E731
        cases += [Case(name, forward, expected), Case(f"{name} backward", backward, expected)]
    assert wrong(cases, tmp_path) == []


@pytest.mark.parametrize("table", [UPPER, COMPRESSED], ids=["upper and jumps", "compressed"])
def test_written_out(table: dict[str, object], tmp_path: Path) -> None:
    assert wrong([Case(code, lines(code), expected) for code, expected in table.items()], tmp_path) == []


def test_x0(tmp_path: Path) -> None:
    codes = [f"{name} x0, a1, a2" for name in REGISTER] + ["lui x0, 5", "addi x0, a1, 5", "auipc x0, 1", "lw x0, 0(t0)"]
    assert wrong([Case(code, code, lambda d, a, b: 0, "x0") for code in codes], tmp_path) == []
