"""Executes single instructions over tables of operands and collects what they leave in rd."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deploy.boards import Board, load_board
from deploy.elf import Image
from edgekit.emulate.pulp.machine import Machine
from tests.edgekit.emulate.pulp.programs import build

GAP9 = load_board("gap9")  # the largest L2: room for results
OPERANDS, RESULTS = 0x1C040000, 0x1C050000

CORNERS = (
    0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x80808080, 0x7F7F7F7F, 0x807F01FF, 0x7FFF8000, 0x80007FFF, 0x00FF8001,
    0x12345678, 0xFFFF0000, 31, 0x0000F3E5, 0xC0DE7A81,
)  # fmt: skip
PAIRS = list(itertools.product(CORNERS, CORNERS))
# Old values of rd go round, so that each meets each value of rs1 and of rs2.
TRIPLES = [(CORNERS[(3 * i + i // 16) % 16], a, b) for i, (a, b) in enumerate(PAIRS)]

CASE = """
__asm__(".text\\n.option push\\n.option norvc\\n.globl case{number}\\ncase{number}:\\n"
        " li t0, {operands}\\n li t1, {results}\\n li t2, {count}\\n"
        "1: lw a0, 0(t0)\\n lw a1, 4(t0)\\n lw a2, 8(t0)\\n {code}\\n sw {result}, 0(t1)\\n"
        " addi t0, t0, 12\\n addi t1, t1, 4\\n addi t2, t2, -1\\n bnez t2, 1b\\n ret\\n.option pop\\n");
"""


@dataclass(frozen=True)
class Case:
    """An instruction with a0 = rd, a1 = rs1, a2 = rs2, and what it leaves in ``result``."""

    label: str
    code: str
    expected: Callable[[int, int, int], int]  # (old a0, a1, a2)
    result: str = "a0"


def wrong(cases: Sequence[Case], folder: Path, board: Board = GAP9) -> list[str]:
    """Runs all cases over :data:`TRIPLES` on the controller; the first difference of each case."""
    with Machine(_program(cases, folder), board) as machine:
        machine.write(OPERANDS, np.array(TRIPLES, "<u4").tobytes())
        machine.run()
        data = np.frombuffer(machine.read(RESULTS, 4 * len(TRIPLES) * len(cases)), "<u4").reshape(len(cases), -1)
    found = []
    for case, results in zip(cases, data.tolist(), strict=True):
        expected = [case.expected(*operands) & 0xFFFFFFFF for operands in TRIPLES]
        at = next((i for i in range(len(TRIPLES)) if results[i] != expected[i]), None)
        if at is not None:
            operands = " ".join(f"{value:08x}" for value in TRIPLES[at])
            found.append(f"{case.label} of {operands}: {results[at]:08x}, expected {expected[at]:08x}")
    return found


def _program(cases: Sequence[Case], folder: Path) -> Image:
    text = ""
    for number, case in enumerate(cases):
        results = RESULTS + 4 * len(TRIPLES) * number
        text += CASE.format(
            number=number, operands=OPERANDS, results=results, count=len(TRIPLES), code=case.code, result=case.result
        )
    calls = "".join(f"void case{number}(void);\n" for number in range(len(cases)))
    body = "".join(f"case{number}();\n" for number in range(len(cases)))
    return build(text + calls + f"void fc_main(void) {{\n{body}leave(0);\n}}\n", folder)
