"""An image's machine code, decoded block by block as the emulator runs it."""

from __future__ import annotations

import numpy as np

from deploy.elf import Image, thumb_decoder
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.timing.core import Core, StaticBlock
from edgekit.emulate.timing.instruction import Instruction, decode

NO_FUNCTION = "(no symbol)"


class Code:
    """Blocks by (address, bytes), each decoded once."""

    def __init__(self, image: Image, core: Core) -> None:
        self.image, self.core = image, core
        self._decoded: dict[tuple[int, int], tuple[Instruction, ...]] = {}
        self._addresses: dict[tuple[int, int], dict[int, int]] = {}
        self._blocks: dict[tuple[int, int, Instruction | None, Instruction | None], StaticBlock] = {}

    def instructions(self, address: int, size: int) -> tuple[Instruction, ...]:
        """The instructions of a block.

        Raises:
            EmulationError: something in it is no instruction of the core, or the ELF file has no code there.
        """
        key = (address, size)
        if key not in self._decoded:
            codes = list(thumb_decoder().disasm(self._bytes(address, size), address))
            decoded = sum(code.size for code in codes)
            if decoded != size:
                where = self.image.describe(address + decoded)
                raise EmulationError(f"not an instruction of the {self.core.name}", where)
            self._decoded[key] = tuple(decode(code) for code in codes)
            self._addresses[key] = {code.address: index for index, code in enumerate(codes)}
        return self._decoded[key]

    def _bytes(self, address: int, size: int) -> bytes:
        try:
            return self.image.read(address, size)
        except ValueError:
            what = f"code runs at 0x{address:08x}, where the ELF file has none: it was copied there"
            fix = "link it for the address that it runs at, and load it where it is copied from"
            raise EmulationError(what, str(self.image.path), fix=fix) from None

    def block(
        self, address: int, size: int, before: Instruction | None = None, after: Instruction | None = None
    ) -> StaticBlock:
        """The block with its charges; ``before`` and ``after`` are the instructions that it continues and ends in."""
        key = (address, size, before, after)
        if key not in self._blocks:
            instructions = self.instructions(address, size)
            charges = tuple(self.core.schedule(instructions, before, after))
            self._blocks[key] = StaticBlock(instructions, charges, self.core.skips)
        return self._blocks[key]

    def function(self, row: np.void) -> str:
        """The function that a block (a row of :data:`edgekit.emulate.native.BLOCK`) belongs to."""
        symbol = self.image.function_at(int(row["address"]))
        return symbol.name if symbol else NO_FUNCTION

    def position(self, address: int, size: int, instruction: int) -> int:
        """Which of the block's instructions lies at the address ``instruction``."""
        self.instructions(address, size)
        return self._addresses[address, size][instruction]
