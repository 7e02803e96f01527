"""Cycles of short instruction sequences, computed by hand from the core's documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.emulate.machine import Context, Machine
from edgekit.emulate.pricing import Cost, price
from tests.edgekit.emulate.images import BOARD, FINISH, program

# r0..r3 = 0, r6 = r7 = address of zeroed memory; the last instruction returns to a 4-byte aligned address.
TEMPLATE = """
#include <stdint.h>
uint32_t scratch[64];
__attribute__((naked, noinline, used, aligned(4))) void kernel(void) {{ __asm volatile("{code}"); }}
__attribute__((naked)) int main(void) {{
    __asm volatile("movs r0, #0\\n movs r1, #0\\n movs r2, #0\\n movs r3, #0\\n"
                   "movw r7, #:lower16:scratch\\n movt r7, #:upper16:scratch\\n mov r6, r7\\n"
                   ".balign 4\\n bl kernel\\n nop\\n b finish");
}}
"""

RETURN = 3  # bx lr: 1 + refill

CASES = {
    "counted loop": ("movs r0, #10; 1: subs r0, #1; bne 1b; bx lr", 22, 1 + 10 + 9 * 3 + 1 + RETURN),
    "branch not taken": ("cmp r0, #1; beq 1f; nop; 1: bx lr", 4, 1 + 1 + 1 + RETURN),
    "compare and branch": ("cbz r0, 1f; nop; nop; 1: bx lr", 2, 3 + RETURN),
    "jump to an aligned wide instruction": ("b 1f; nop; 1: add.w r0, r0, r1; bx lr", 3, 3 + 1 + RETURN),
    "jump to an unaligned wide instruction": ("b 1f; nop; nop; 1: add.w r0, r0, r1; bx lr", 3, 3 + 1 + 1 + RETURN),
    "one load": ("ldr r0, [r7]; bx lr", 2, 2 + RETURN),
    "independent loads": ("ldr r0, [r7]; ldrb r1, [r7, #4]; ldrsh.w r2, [r7, #8]; bx lr", 4, 2 + 1 + 1 + RETURN),
    "load of a loaded address": ("str r7, [r7]; ldr r0, [r7]; ldr r1, [r0]; bx lr", 4, 1 + 2 + 2 + RETURN),
    "loads with base update": ("ldr r0, [r6], #4; ldr r1, [r7], #4; ldr r2, [r7]; bx lr", 4, 2 + 2 + 2 + RETURN),
    "load after base update elsewhere": ("ldr r0, [r6], #4; ldr r1, [r7]; bx lr", 3, 2 + 1 + RETURN),
    "address just computed": ("adds r5, r7, #4; ldr r1, [r5]; bx lr", 3, 1 + 3 + RETURN),
    "address computed before": ("adds r5, r7, #4; nop; ldr r1, [r5]; bx lr", 4, 1 + 1 + 2 + RETURN),
    "stored value just computed": ("movs r0, #4; str r0, [r7]; bx lr", 3, 1 + 1 + RETURN),
    "load, then store": ("ldr r0, [r7]; str r0, [r7, #4]; bx lr", 3, 2 + 1 + RETURN),
    "store, then load": ("str r0, [r7]; ldr r1, [r7, #4]; bx lr", 3, 1 + 2 + RETURN),
    "store by register offset": ("str r0, [r7, r3]; bx lr", 2, 2 + RETURN),
    "store by register offset after a load": ("ldr r0, [r7]; str r0, [r7, r3]; bx lr", 3, 2 + 1 + RETURN),
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
    "division": ("movs r1, #3; udiv r0, r0, r1; bx lr", 3, 1 + 7 + RETURN),
    "condition that holds": ("cmp r0, #0; itt eq; addeq r0, #1; ldreq r1, [r7]; bx lr", 5, 1 + 1 + 1 + 2 + RETURN),
    "conditional return": ("cmp r0, #0; it ne; bxne lr; bx lr", 4, 1 + 1 + 1 + RETURN),
    "table branch": ("tbb [pc, r0]; 2: .byte (1f - 2b) / 2, 0; 1: bx lr", 2, 2 + 2 + RETURN),
    "float": ("vmov s0, r0; vadd.f32 s1, s0, s0; vmul.f32 s2, s0, s0; bx lr", 4, 1 + 1 + 1 + RETURN),
    "float result needed at once": ("vadd.f32 s1, s0, s0; vmul.f32 s2, s1, s1; bx lr", 3, 1 + 2 + RETURN),
    "float division and accumulation": ("vdiv.f32 s1, s0, s0; vfma.f32 s3, s4, s5; bx lr", 3, 14 + 3 + RETURN),
    "float memory": ("vldr s0, [r7]; vstr d1, [r7, #8]; vpush {s16, s17}; vpop {d8}; bx lr", 5, 2 + 3 + 3 + 3 + RETURN),
}


@pytest.mark.parametrize("case", CASES)
def test_cycles_by_hand(case: str, tmp_path: Path) -> None:
    code, instructions, cycles = CASES[case]
    assert cost_of(code.replace(";", "\\n"), tmp_path) == Cost(instructions, cycles)


def test_memory_pages_do_not_separate_instructions(tmp_path: Path) -> None:
    """The emulator cuts blocks where a page ends; the load behind the cut still overlaps with the one before it."""
    code = ".rept 511\\n nop\\n .endr\\n ldr r0, [r7]\\n ldr r1, [r7, #4]\\n bx lr"
    assert cost_of(code, tmp_path, align=1024) == Cost(514, 511 + 2 + 1 + RETURN)


def test_more_blocks_than_the_table_starts_with(tmp_path: Path) -> None:
    code = "cmp r0, #1\\n .rept 10000\\n beq 1f\\n 1:\\n .endr\\n bx lr"
    assert cost_of(code, tmp_path) == Cost(10002, 1 + 10000 + RETURN)


def cost_of(code: str, folder: Path, align: int = 4) -> Cost:
    source = "void finish(void);" + TEMPLATE.format(code=code).replace("aligned(4)", f"aligned({align})") + FINISH
    image = program(source, folder)
    kernel = Context("kernel", image.symbol("kernel").address)
    with Machine(image, BOARD, b"", [kernel], stop_address=image.symbol("finish").address) as machine:
        finished = machine.run()
    assert finished.runs == 1
    return price(image, finished.blocks, 1)[1]
