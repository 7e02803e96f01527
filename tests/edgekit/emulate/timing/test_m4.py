"""Cycles of short instruction sequences, computed by hand from the core's documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.emulate.pricing import Cycles
from tests.edgekit.emulate.assembly import cost_of

RETURN = 3  # bx lr: 1 + refill

CASES = {
    "counted loop": ("movs r0, #10; 1: subs r0, #1; bne 1b; bx lr", 22, 1 + 10 + 9 * 3 + 1 + RETURN),
    "branch not taken": ("cmp r0, #1; beq 1f; nop; 1: bx lr", 4, 1 + 1 + 1 + RETURN),
    "compare and branch": ("cbz r0, 1f; nop; nop; 1: bx lr", 2, 3 + RETURN),
    "jump to an aligned wide instruction": ("b 1f; nop; 1: add.w r0, r0, r1; bx lr", 3, 3 + 1 + RETURN),
    "jump to an unaligned wide instruction": ("b 1f; nop; nop; 1: add.w r0, r0, r1; bx lr", 3, 3 + 1 + 1 + RETURN),
    "one load": ("ldr r0, [r7]; bx lr", 2, 2 + RETURN),
    "independent loads": ("ldr r0, [r7]; ldrb r1, [r7, #4]; ldrsh.w r2, [r7, #8]; bx lr", 4, 2 + 1 + 1 + RETURN),
    "load of a loaded address": ("str r7, [r7]; nop; ldr r0, [r7]; ldr r1, [r0]; bx lr", 5, 2 + 2 + 2 + RETURN),
    "loads with base update": ("ldr r0, [r6], #4; ldr r1, [r7], #4; ldr r2, [r7]; bx lr", 4, 2 + 2 + 2 + RETURN),
    "load after base update elsewhere": ("ldr r0, [r6], #4; ldr r1, [r7]; bx lr", 3, 2 + 1 + RETURN),
    "address just computed": ("adds r5, r7, #4; ldr r1, [r5]; bx lr", 3, 1 + 3 + RETURN),
    "address computed before": ("adds r5, r7, #4; nop; ldr r1, [r5]; bx lr", 4, 1 + 1 + 2 + RETURN),
    "stored value just computed": ("movs r0, #4; str r0, [r7]; bx lr", 3, 1 + 1 + RETURN),
    "a store hides the load's second cycle": ("ldr r0, [r7]; str r0, [r7, #4]; bx lr", 3, 1 + 1 + RETURN),
    "and so do chains": ("ldr r0, [r7]; ldr r1, [r7, #4]; str r0, [r7, #8]; bx lr", 4, 3 + RETURN),
    "not with an address from the load": (
        "str r7, [r7]; nop; ldr r0, [r7]; str r1, [r0]; bx lr",
        5,
        2 + 2 + 1 + RETURN,
    ),
    "a store waits for the load behind it": ("str r0, [r7]; ldr r1, [r7, #4]; bx lr", 3, 2 + 2 + RETURN),
    "store by register offset": ("str r0, [r7, r3]; bx lr", 2, 2 + RETURN),
    "store by register offset after a load": ("ldr r0, [r7]; str r0, [r7, r3]; bx lr", 3, 1 + 1 + RETURN),
    "push and pop": ("push {r4, r5, r6}; pop {r4, r5, r6}; bx lr", 3, 4 + 4 + RETURN),
    "return by pop": ("push {r4, lr}; pop {r4, pc}", 2, 3 + 1 + 2 + 2),
    "load and store multiple": ("ldmia r6, {r0, r1, r2, r3}; stmia r7!, {r0, r1}; bx lr", 3, 5 + 3 + RETURN),
    "doubles": ("ldrd r0, r1, [r7]; strd r0, r1, [r7]; ldr r2, [r7]; bx lr", 4, 3 + 3 + 2 + RETURN),
    "multiplier": (
        "mul r0, r1, r2; mla r0, r1, r2, r3; smlad r0, r1, r2, r0; smlal r0, r1, r2, r3; smmul r0, r1, r2; bx lr",
        6,
        5 + RETURN,
    ),
    "saturation and packing": (
        "ssat r0, #8, r1, asr #3; sxtb16 r0, r1, ror #8; pkhbt r0, r1, r2; bx lr",
        4,
        3 + RETURN,
    ),
    "division of zero": ("movs r1, #3; udiv r0, r0, r1; bx lr", 3, 1 + 2 + RETURN),
    "division by zero": ("movs r0, #3; udiv r0, r0, r1; bx lr", 3, 1 + 2 + RETURN),
    "32 bits of quotient": ("mvn r0, #0; movs r1, #1; udiv r0, r0, r1; bx lr", 4, 1 + 1 + 12 + RETURN),
    "4 bits of quotient": ("movs r0, #9; movs r1, #1; udiv r0, r0, r1; bx lr", 4, 1 + 1 + 2 + 2 + RETURN),
    "4 bits, signed": ("mvn r0, #8; movs r1, #1; sdiv r0, r0, r1; bx lr", 4, 1 + 1 + 2 + 2 + RETURN),
    "condition that holds": ("cmp r0, #0; itt eq; addeq r0, #1; ldreq r1, [r7]; bx lr", 5, 1 + 1 + 1 + 2 + RETURN),
    "condition that does not hold": ("cmp r0, #1; itt eq; addeq r0, #1; ldreq r1, [r7]; bx lr", 5, 4 + RETURN),
    "stores under a condition": ("cmp r0, #0; ite eq; streq r0, [r7]; ldmne r7, {r0-r3}; bx lr", 5, 4 + RETURN),
    "conditional return": ("cmp r0, #0; it ne; bxne lr; bx lr", 4, 1 + 1 + 1 + RETURN),
    "table branch": ("tbb [pc, r0]; 2: .byte (1f - 2b) / 2, 0; 1: bx lr", 2, 2 + 2 + RETURN),
    "float": ("vmov s0, r0; vadd.f32 s1, s0, s0; vmul.f32 s2, s0, s0; bx lr", 4, 1 + 1 + 1 + RETURN),
    "float result needed at once": ("vadd.f32 s1, s0, s0; vmul.f32 s2, s1, s1; bx lr", 3, 1 + 2 + RETURN),
    "float division and accumulation": ("vdiv.f32 s1, s0, s0; vfma.f32 s3, s4, s5; bx lr", 3, 14 + 3 + RETURN),
    "float square root": ("vsqrt.f32 s1, s0; bx lr", 2, 14 + RETURN),
    "float multiply and accumulate": ("vmla.f32 s0, s2, s3; vfms.f32 s1, s4, s5; bx lr", 3, 3 + 3 + RETURN),
    "float conversions": ("vmov s0, r0; vcvt.f32.s32 s1, s0; vcvt.s32.f32 s2, s3; bx lr", 4, 1 + 1 + 1 + RETURN),
    "float conversion needed at once": ("vcvt.f32.s32 s1, s0; vsub.f32 s2, s1, s1; bx lr", 3, 1 + 2 + RETURN),
    "float comparison": ("vcmp.f32 s0, s1; vmrs apsr_nzcv, fpscr; vabs.f32 s2, s3; bx lr", 4, 1 + 1 + 1 + RETURN),
    "float load and store multiple": ("vldmia r6, {s0-s3}; vstmia r7!, {s0, s1}; bx lr", 3, 5 + 3 + RETURN),
    "float memory": ("vldr s0, [r7]; vstr d1, [r7, #8]; vpush {s16, s17}; vpop {d8}; bx lr", 5, 2 + 3 + 3 + 3 + RETURN),
}


@pytest.mark.parametrize("case", CASES)
def test_cycles_by_hand(case: str, tmp_path: Path) -> None:
    code, instructions, cycles = CASES[case]
    cost = cost_of(code, tmp_path)
    assert (cost.instructions, cost.cycles.total) == (instructions, cycles)


PARTS = {
    "execute": ("nop; mul r0, r1, r2; bx lr", Cycles(execute=3, branch=2)),
    "second cycle of a load": ("ldr r0, [r7]; nop; bx lr", Cycles(execute=3, load_use=1, branch=2)),
    "address needed at once": ("adds r5, r7, #4; ldr r1, [r5]; bx lr", Cycles(execute=3, load_use=2, branch=2)),
    "branches": ("b 1f; nop; nop; 1: add.w r0, r0, r1; bx lr", Cycles(execute=3, branch=2 + 1 + 2)),
    "word across words": ("ldr r0, [r7, #2]; nop; bx lr", Cycles(execute=3, load_use=1, branch=2, data=1)),
    "word at an odd address": ("ldr r0, [r7, #1]; nop; bx lr", Cycles(execute=3, load_use=1, branch=2, data=2)),
    "halfword at an odd address": ("strh r0, [r7, #3]; nop; bx lr", Cycles(execute=3, branch=2, data=1)),
    "aligned halfword, byte": ("strh r0, [r7, #2]; strb r0, [r7, #3]; bx lr", Cycles(execute=3, branch=2)),
}


@pytest.mark.parametrize("case", PARTS)
def test_parts_by_hand(case: str, tmp_path: Path) -> None:
    code, cycles = PARTS[case]
    assert cost_of(code, tmp_path).cycles == cycles


def test_memory_pages_do_not_separate_instructions(tmp_path: Path) -> None:
    """The emulator cuts blocks where a page ends; the load behind the cut still overlaps with the one before it."""
    code = ".rept 511; nop; .endr; ldr r0, [r7]; ldr r1, [r7, #4]; bx lr"
    cost = cost_of(code, tmp_path, align=1024)
    assert (cost.instructions, cost.cycles.total) == (514, 511 + 2 + 1 + RETURN)


def test_more_blocks_than_the_table_starts_with(tmp_path: Path) -> None:
    cost = cost_of("cmp r0, #1; .rept 10000; beq 1f; 1:; .endr; bx lr", tmp_path)
    assert (cost.instructions, cost.cycles.total) == (10002, 1 + 10000 + RETURN)
