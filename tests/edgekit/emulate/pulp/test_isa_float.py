"""Single precision where a board has it, against NumPy's float32 and exact arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from deploy.boards import load_board
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp.machine import Machine
from tests.edgekit.emulate.pulp.definitions import signed
from tests.edgekit.emulate.pulp.isa import Case, wrong
from tests.edgekit.emulate.pulp.programs import GAP8, build

NAN = 0x7FC00000


def number(bits: int) -> np.float32:
    return np.array([bits], "<u4").view("<f4")[0]


def bits(value: object) -> int:
    with np.errstate(all="ignore"):
        result = int(np.array([value], "<f4").view("<u4")[0])
    return NAN if result & 0x7FFFFFFF > 0x7F800000 else result


def arithmetic(function: Callable[..., object]) -> Callable[[int, int, int], int]:
    def define(d: int, a: int, b: int) -> int:
        with np.errstate(all="ignore"):
            return bits(function(number(d), number(a), number(b)))

    return define


def fused(a: np.float32, b: np.float32, c: np.float32) -> np.float32:
    """a * b + c with one rounding: exact where all are finite."""
    if not all(map(math.isfinite, (a, b, c))):
        return np.float32(float(a) * float(b) + float(c))
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    if exact == 0:
        return np.float32(float(a) * float(b) + float(c)) if float(a) * float(b) == 0 else np.float32(0)
    return nearest(exact)


def nearest(exact: Fraction) -> np.float32:
    """The nearest float32, ties to even: float64 decides only where it is no tie."""
    guess = np.float32(float(exact)) if abs(exact) < 2**200 else np.float32(math.copysign(math.inf, exact))
    candidates = [guess, np.nextafter(guess, np.float32(-np.inf)), np.nextafter(guess, np.float32(np.inf))]
    top = Fraction(2) ** 128

    def value(x: np.float32) -> Fraction:
        return Fraction(float(x)) if math.isfinite(x) else (top if x > 0 else -top)

    return min(candidates, key=lambda x: (abs(value(x) - exact), bits(x) & 1))


def to_integer(rounding: str, is_signed: bool) -> Callable[[int, int, int], int]:
    low, high = (-(1 << 31), (1 << 31) - 1) if is_signed else (0, (1 << 32) - 1)
    modes = {"rtz": math.trunc, "rdn": math.floor, "rup": math.ceil, "rne": round}

    def define(d: int, a: int, b: int) -> int:
        value = float(number(a))
        if math.isnan(value):
            return high
        if math.isinf(value):
            return high if value > 0 else low
        if rounding == "rmm":
            whole = int(math.copysign(math.floor(abs(Fraction(value)) + Fraction(1, 2)), value))
        else:
            whole = modes[rounding](value)
        return min(max(whole, low), high)

    return define


def is_nan(value: int) -> bool:
    return value & 0x7FFFFFFF > 0x7F800000


def smaller(a: int, b: int, largest: bool = False) -> int:
    if is_nan(a) or is_nan(b):
        return NAN if is_nan(a) and is_nan(b) else b if is_nan(a) else a
    key = lambda x: (float(number(x)), -(x >> 31))  # noqa: E731
    return max(a, b, key=key) if largest else min(a, b, key=key)


def classified(a: int) -> int:
    negative, size = a >> 31, a & 0x7FFFFFFF
    if size > 0x7F800000:
        return 1 << (9 if size & 0x400000 else 8)
    kind = 0 if size == 0x7F800000 else 3 if size == 0 else 2 if size < 0x800000 else 1
    return 1 << (kind if negative else 7 - kind)


OPERATIONS = {
    "fadd.s fa0, fa1, fa2": arithmetic(lambda d, a, b: a + b),
    "fsub.s fa0, fa1, fa2": arithmetic(lambda d, a, b: a - b),
    "fmul.s fa0, fa1, fa2": arithmetic(lambda d, a, b: a * b),
    "fdiv.s fa0, fa1, fa2": arithmetic(lambda d, a, b: a / b),
    "fsqrt.s fa0, fa1": arithmetic(lambda d, a, b: np.sqrt(a)),
    "fmadd.s fa0, fa1, fa2, fa0": arithmetic(lambda d, a, b: fused(a, b, d)),
    "fmsub.s fa0, fa1, fa2, fa0": arithmetic(lambda d, a, b: fused(a, b, -d)),
    "fnmsub.s fa0, fa1, fa2, fa0": arithmetic(lambda d, a, b: fused(-a, b, d)),
    "fnmadd.s fa0, fa1, fa2, fa0": arithmetic(lambda d, a, b: fused(-a, b, -d)),
    "fsgnj.s fa0, fa1, fa2": lambda d, a, b: a & 0x7FFFFFFF | b & 0x80000000,
    "fsgnjn.s fa0, fa1, fa2": lambda d, a, b: a & 0x7FFFFFFF | ~b & 0x80000000,
    "fsgnjx.s fa0, fa1, fa2": lambda d, a, b: a ^ b & 0x80000000,
    "fmin.s fa0, fa1, fa2": lambda d, a, b: smaller(a, b),
    "fmax.s fa0, fa1, fa2": lambda d, a, b: smaller(a, b, True),
    "fcvt.s.w fa0, a1": lambda d, a, b: bits(np.float32(signed(a))),
    "fcvt.s.wu fa0, a1": lambda d, a, b: bits(np.float32(a)),
    "flw fa0, 4(t0)": lambda d, a, b: a,
    "addi sp, sp, -16; fsw fa1, 12(sp); lw a3, 12(sp); fmv.w.x fa0, a3; addi sp, sp, 16": lambda d, a, b: a,
}
TO_INTEGER = {
    "feq.s a0, fa1, fa2": lambda d, a, b: not (is_nan(a) or is_nan(b)) and number(a) == number(b),
    "flt.s a0, fa1, fa2": lambda d, a, b: not (is_nan(a) or is_nan(b)) and number(a) < number(b),
    "fle.s a0, fa1, fa2": lambda d, a, b: not (is_nan(a) or is_nan(b)) and number(a) <= number(b),
    "fclass.s a0, fa1": lambda d, a, b: classified(a),
    **{
        f"fcvt.{kind}.s a0, fa1, {mode}": to_integer(mode, kind == "w")
        for kind in ("w", "wu")
        for mode in ("rne", "rtz", "rdn", "rup", "rmm")
    },
}
# Numbers beside the integers' corners: 1, 1.5, 2.5, -0.5, 2^31, -0, infinity, a quiet NaN, the smallest ones.
FLOATS = (0x3F800000, 0x3FC00000, 0x40200000, 0xBF000000, 0x4F000000, 0x80000000, 0x7F800000, NAN, 1, 0x00800000,
          0x00000000, 0xC0490FDB, 0x4B800001, 0x33D6BF95, 0xFF7FFFFF, 0x5F3759DF)  # fmt: skip


def program(code: str, result: str) -> str:
    load = "fmv.w.x fa0, a0; fmv.w.x fa1, a1; fmv.w.x fa2, a2;"
    return (".option arch, +f\\n" + load + code + result).replace(";", "\\n ")


def test_over_corner_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    triples = [(FLOATS[(3 * i + j) % 16], a, b) for i, a in enumerate(FLOATS) for j, b in enumerate(FLOATS)]
    monkeypatch.setattr("tests.edgekit.emulate.pulp.isa.TRIPLES", triples)
    cases = [Case(code, program(code, "; fmv.x.w a0, fa0"), expected) for code, expected in OPERATIONS.items()]
    cases += [Case(code, program(code, ""), expected) for code, expected in TO_INTEGER.items()]
    assert wrong(cases, tmp_path) == []


def test_rounding_modes_and_flags(tmp_path: Path) -> None:
    third = "li a3, 0x3f800000; fmv.w.x fa1, a3; li a3, 0x40400000; fmv.w.x fa2, a3; csrw fcsr, x0;"
    cases = [
        Case("down", program(third + "fdiv.s fa0, fa1, fa2, rdn", "; fmv.x.w a0, fa0"), lambda d, a, b: 0x3EAAAAAA),
        Case("up", program(third + "fdiv.s fa0, fa1, fa2, rup", "; fmv.x.w a0, fa0"), lambda d, a, b: 0x3EAAAAAB),
        Case("dynamic", program(third + "csrwi frm, 2; fdiv.s fa0, fa1, fa2, dyn", "; fmv.x.w a0, fa0; csrwi frm, 0"),
             lambda d, a, b: 0x3EAAAAAA),
        Case("inexact", program(third + "fdiv.s fa0, fa1, fa2", "; csrr a0, fflags"), lambda d, a, b: 1),
        Case("by zero", program(third + "fmv.w.x fa2, x0; fdiv.s fa0, fa1, fa2", "; csrr a0, fflags"),
             lambda d, a, b: 8),
    ]  # fmt: skip
    assert wrong(cases, tmp_path) == []


def test_where_there_is_no_f(tmp_path: Path) -> None:
    image = build('void fc_main(void) { ASM(".word 0x00c58553"); leave(0); }', tmp_path)  # fadd.s fa0, fa1, fa2
    for board, legal in ((GAP8, False), (load_board("mrwolf"), False), (load_board("gap9"), True)):
        with Machine(image, board) as machine:
            if legal:
                machine.run()
            else:
                with pytest.raises(EmulationError, match="illegal instruction 0x00c58553"):
                    machine.run()
