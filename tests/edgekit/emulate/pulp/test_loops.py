"""Hardware loops: the end address is that of the last instruction of the body; two levels; no overhead."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp import native
from edgekit.emulate.pulp.machine import Context, Machine
from tests.edgekit.emulate.pulp.isa import Case, wrong
from tests.edgekit.emulate.pulp.programs import GAP8, cluster_program, words

LIMIT = 6  # passes of loops whose count comes from a register: a2 % LIMIT


def setup(loop: int, count: str, end: str) -> str:
    """lp.setup: count in a register (number 0..31), `end` a local label."""
    return f".word 0x407b + ({loop} << 7) + ({count} << 15) + ((({end} - .) / 2) << 20)"


def setupi(loop: int, count: int, end: str) -> str:
    return f".word 0x507b + ({loop} << 7) + ({count} << 20) + ((({end} - .) / 2) << 15)"


def starti(loop: int, label: str) -> str:
    return f".word 0x007b + ({loop} << 7) + ((({label} - .) / 2) << 20)"


def endi(loop: int, label: str) -> str:
    return f".word 0x107b + ({loop} << 7) + ((({label} - .) / 2) << 20)"


def counti(loop: int, count: int) -> str:
    return f".word 0x307b + ({loop} << 7) + ({count} << 20)"


def count(loop: int, register: int) -> str:
    return f".word 0x207b + ({loop} << 7) + ({register} << 15)"


def code(*lines: str) -> str:
    return ".option norelax\\n " + "\\n ".join(lines)


A3 = 13
PASSES = f"li a3, {LIMIT}", "remu a3, a2, a3", "li a0, 0"  # a3: passes


def passes(value: int) -> int:
    """A loop's body runs once even with a count of 0."""
    return max(value % LIMIT, 1)


LOOPS = {
    "lp.setup": (code(*PASSES, setup(0, A3, "2f"), "addi a0, a0, 1", "2: addi a0, a0, 16"), lambda n: 17 * passes(n)),
    "lp.setup 1": (code(*PASSES, setup(1, A3, "2f"), "addi a0, a0, 1", "2: addi a0, a0, 16"), lambda n: 17 * passes(n)),
    "lp.setupi 4095": (
        code("li a0, 0", setupi(0, 4095, "2f"), "addi a0, a0, 1", "2: addi a0, a0, 16"),
        lambda n: 17 * 4095,
    ),
    "lp.setupi 0": (code("li a0, 0", setupi(0, 0, "2f"), "addi a0, a0, 1", "2: addi a0, a0, 16"), lambda n: 17),
    "lp.setupi 1": (code("li a0, 0", setupi(1, 1, "2f"), "addi a0, a0, 1", "2: addi a0, a0, 16"), lambda n: 17),
    "start, end, count": (
        code(*PASSES, starti(0, "3f"), endi(0, "2f"), count(0, A3), "addi a0, a0, 100", "3: addi a0, a0, 1",
             "2: addi a0, a0, 16"),
        lambda n: 100 + 17 * passes(n),
    ),
    "start, end, counti": (
        code("li a0, 0", starti(1, "3f"), endi(1, "2f"), counti(1, 3), "3: addi a0, a0, 1", "2: addi a0, a0, 16"),
        lambda n: 51,
    ),
    "nested": (
        code(*PASSES, setup(1, A3, "3f"), setupi(0, 7, "2f"), "addi a0, a0, 1", "2: addi a0, a0, 16",
             "3: addi a0, a0, 1000"),
        lambda n: passes(n) * (7 * 17 + 1000),
    ),
    "nested with one end": (
        code(*PASSES, setup(1, A3, "2f"), setupi(0, 7, "2f"), "addi a0, a0, 1", "2: addi a0, a0, 16"),
        lambda n: passes(n) * 7 * 17,
    ),
    "branches inside": (
        code(*PASSES, setup(0, A3, "2f"), "andi a4, a0, 1", "beqz a4, 3f", "addi a0, a0, 8", "3: addi a0, a0, 1",
             "2: nop"),
        lambda n: passes(n) + 8 * (passes(n) // 2),
    ),
    "compressed": (
        code(".option rvc", *PASSES, ".option norvc", setup(0, A3, "2f"), ".option rvc", "c.addi a0, 1",
             "2: c.addi a0, 16", "c.nop"),
        lambda n: 17 * passes(n),
    ),
    "left by a branch, then another": (
        code("li a0, 0", setupi(0, 9, "2f"), "addi a0, a0, 1", "j 3f", "2: addi a0, a0, 16", "3: li a3, 2",
             setup(0, A3, "4f"), "addi a0, a0, 100", "4: nop"),
        lambda n: 201,
    ),
}  # fmt: skip


def test_passes(tmp_path: Path) -> None:
    cases = [Case(name, text, lambda d, a, b, f=f: f(b)) for name, (text, f) in LOOPS.items()]
    assert wrong(cases, tmp_path) == []


def timed(text: str, folder: Path) -> int:
    """Cycles of ``text`` on a core, instruction cache warm."""
    before = f'NOINLINE void body(void) {{ __asm__ volatile("{text}" ::: "a0", "a1", "a2", "a3"); }}\n'
    image = cluster_program("body(); body();", folder, before=before)
    with Machine(image, GAP8, contexts=[Context("body", image.symbol("body").address)]) as machine:
        machine.run(stop_on_leave=[(0, 1)])
        machine.reset_stats()
        machine.run(stop_on_leave=[(0, 1)])
        row = machine.stats()[1, 0]
        return sum(int(row[name]) for name in native.CYCLES)


def test_no_overhead(tmp_path: Path) -> None:
    # GVSoC: 194 for 64 passes of 3 instructions, with what is around them.
    empty = timed("nop", tmp_path)
    loop = code(setupi(0, 64, "2f"), "addi a0, a0, 1", "addi a1, a1, 1", "2: addi a2, a2, 1")
    assert timed(loop, tmp_path) - empty == 3 * 64 + 1 - 1  # lp.setupi, less the nop


BAD = {
    "a body of one instruction": code(setupi(0, 3, "2f"), "2: nop"),
    "a jump at the end": code(setupi(0, 3, "2f"), "nop", "2: j 3f", "nop", "3: nop"),
    "an end before the start": code(starti(0, "3f"), endi(0, "2f"), counti(0, 3), "nop", "2: nop", "3: nop", "j 2b"),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_bad_bounds(text: str, tmp_path: Path) -> None:
    image = cluster_program(f'__asm__ volatile("{text}");', tmp_path)
    with Machine(image, GAP8, budget=100_000) as machine, pytest.raises(EmulationError, match="bad hardware loop") as e:
        machine.run()
    assert "cluster core 0 at core_main" in str(e.value)


def test_loops_of_two_cores_do_not_mix(tmp_path: Path) -> None:
    loop = code("li a0, 0", "mv a3, %1", setup(0, A3, "2f"), "addi a0, a0, 1", "2: addi a0, a0, 16", "sw a0, 0(%0)")
    body = f"""__asm__ volatile("{loop}" :: "r"(r + core), "r"(core + 1) : "a0", "a3", "memory"); TEAM(0xff);"""
    image = cluster_program(body, tmp_path, cores=0xFF, before="L1 u32 r[8] = {0};\n")
    with Machine(image, GAP8) as machine:
        machine.run()
        assert words(machine, image, "r") == [17 * (core + 1) for core in range(8)]
