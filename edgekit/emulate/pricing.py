"""From block counts to instructions and cycles per context. Any other price of a run starts from the same counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deploy.elf import Image, thumb_decoder
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.timing import WIDE_TARGET, Instruction, StaticBlock, decode


@dataclass(frozen=True)
class Cost:
    """Instructions and core cycles at zero wait states."""

    instructions: int
    cycles: int


def price(image: Image, blocks: np.ndarray[Any, Any], contexts: int) -> list[Cost]:
    """Cost of context 0 (no function), 1, ... ``contexts``.

    Args:
        blocks: counts of a run, :data:`edgekit.emulate.native.BLOCK`.

    Raises:
        EmulationError: a counted block holds something that is not a Cortex-M4F instruction.
    """
    table = static_blocks(image, blocks)
    instructions, cycles = [0] * (contexts + 1), [0] * (contexts + 1)
    for row in blocks:
        block = table[int(row["address"]), int(row["size"])]
        executions, taken, context = int(row["executions"]), int(row["taken"]), int(row["context"])
        instructions[context] += executions * len(block.instructions)
        if taken:
            cycles[context] += taken * block.taken + int(row["taken_wide"]) * WIDE_TARGET
        cycles[context] += (executions - taken) * block.falls_through
    return [Cost(*pair) for pair in zip(instructions, cycles, strict=True)]


def static_blocks(image: Image, blocks: np.ndarray[Any, Any]) -> dict[tuple[int, int], StaticBlock]:
    """The decoded blocks of a run by (address, bytes).

    The emulator also cuts blocks at memory page ends: such a piece continues the instructions of the one before.
    """
    keys = sorted({(int(row["address"]), int(row["size"])) for row in blocks})
    decoded = {key: _decode(image, *key) for key in keys}
    last_before = {address + size: code[-1] for (address, size), code in decoded.items() if not code[-1].jumps}
    return {key: StaticBlock(code, last_before.get(key[0])) for key, code in decoded.items()}


def _decode(image: Image, address: int, size: int) -> tuple[Instruction, ...]:
    codes = list(thumb_decoder().disasm(image.read(address, size), address))
    decoded = sum(code.size for code in codes)
    if decoded != size:
        raise EmulationError("not a Cortex-M4F instruction", image.describe(address + decoded))
    return tuple(decode(code) for code in codes)
