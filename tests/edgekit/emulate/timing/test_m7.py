"""Pairs and waits of the Cortex-M7 model by hand; rules and sources are in ``edgekit.emulate.timing.m7``."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.compilers import cortex_compiler
from deploy.elf import read_elf
from edgekit.emulate.timing.instruction import decode
from edgekit.emulate.timing.m7 import schedule

# code: cycles, of these waiting for operands
CASES = {
    "independent instructions pair": ("adds r0, r1, r2; adds r3, r4, r5; adds r6, r1, r2; mov r7, r8", 2, 0),
    "dependent ones do not": ("adds r0, r1, r2; adds r3, r0, r5", 2, 0),
    "one load or store per cycle": ("ldr r0, [r4]; ldr r1, [r4, #4]; str r2, [r5]; ldr r3, [r4, #8]", 4, 0),
    "a load pairs with arithmetic": ("ldr r0, [r4]; adds r1, r2, r3; ldr r2, [r4, #4]; adds r3, r1, r1", 2, 0),
    "a loaded word is there in the next cycle": ("ldr r0, [r4]; adds r1, r0, r2", 2, 0),
    "a loaded byte comes a cycle later": ("ldrb r0, [r4]; adds r1, r0, r2", 3, 1),
    "a loaded word reaches a multiplication late": ("ldr r0, [r4]; mul r1, r0, r2", 3, 1),
    "but not its accumulator": ("ldr r0, [r4]; mla r1, r2, r3, r0", 2, 0),
    "a loaded address takes three cycles": ("ldr r0, [r4]; ldr r1, [r0]", 4, 2),
    "multiplications do not pair with stores": ("mul r0, r1, r2; str r3, [r4]", 2, 0),
    "an address is needed a cycle early": ("adds r0, r1, r2; ldr r3, [r0]", 3, 1),
    "a shifted operand is needed a cycle early": ("adds r0, r1, r2; add r3, r4, r0, lsl #2", 3, 1),
    "one shifter per cycle": ("add r0, r1, r2, lsl #2; add r3, r4, r5, lsl #2", 2, 0),
    "one multiplier per cycle": ("mul r0, r1, r2; mul r3, r4, r5", 2, 0),
    "a product comes a cycle later": ("mul r0, r1, r2; adds r3, r0, r4", 3, 1),
    "but not for the next accumulation": ("smlad r0, r1, r2, r0; smlad r0, r3, r4, r0", 2, 0),
    "multiplication pairs with a load": (
        "smlad r0, r1, r2, r0; ldr r3, [r4]; smlad r5, r1, r2, r5; ldr r6, [r4]",
        2,
        0,
    ),
    "SIMD only as the first of a pair": ("adds r0, r1, r2; sxtb16 r3, r4; sxtb16 r5, r6; adds r7, r1, r2", 3, 0),
    "saturation comes a cycle later": ("ssat r0, #8, r1; adds r2, r0, r3", 3, 1),
    "several registers, two per cycle": ("ldm r4, {r0, r1, r2, r3}; adds r5, r6, r7", 2 + 1, 0),
    "division takes the core": ("udiv r0, r1, r2; adds r3, r4, r5", 7 + 1, 0),
    "a base update is there at once": ("ldr r0, [r4], #4; ldr r1, [r4], #4", 2, 0),
    "branches pair and do not wait": ("subs r0, #1; bne 1f; 1:", 1, 0),
    "a float root takes sixteen": ("vsqrt.f32 s0, s1; vadd.f32 s2, s0, s1", 17, 15),
    "float results take three cycles": ("vadd.f32 s0, s1, s2; vmul.f32 s3, s0, s1", 4, 2),
}


@pytest.mark.parametrize("case", CASES)
def test_by_hand(case: str, tmp_path: Path) -> None:
    code, cycles, waiting = CASES[case]
    source = tmp_path / "kernel.c"
    text = code.replace(";", "\\n")
    source.write_text(f'__attribute__((naked, used)) void Reset_Handler(void) {{ __asm volatile("{text}"); }}')
    cortex_compiler("cortex-m4f").compile([source], tmp_path / "kernel.elf")
    image = read_elf(tmp_path / "kernel.elf")
    instructions = [decode(one) for one in image.disassemble(image.symbol("Reset_Handler"))][: code.count(";") + 1]
    if code.endswith("1:"):
        instructions.pop()
    charges = schedule(instructions, None, None)
    assert (sum(c.cycles for c in charges), sum(c.load_use for c in charges)) == (cycles, waiting)
