"""How much of its stack every core of a cluster has really used: memory that nobody wrote holds the simulator's fill.

Stacks lie side by side at the start of L1, core 0's first, and grow downwards. Only core 0's overflow leaves the
memory; any other one runs into its neighbour's without a sign, so a stack whose lowest word was written counts as full.
"""

from __future__ import annotations

from deploy.boards import Board
from deploy.elf import Image
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.pulp.machine import UNINITIALISED, Machine

WORD = 4


class CoreStacks:
    """The stacks of an image that ``edgekit build`` wrote: ``cores`` of them, ``bytes`` each."""

    def __init__(self, image: Image, board: Board) -> None:
        assert board.cluster is not None, board.name
        self._image = image
        self.start, self.cores = image.symbol("__core_stacks").address, board.cluster.cores
        area = image.symbol("__l1_bss_start").address - self.start
        self.bytes = area // self.cores // WORD * WORD

    def used(self, machine: Machine) -> list[int]:
        """Bytes by core since reset.

        Raises:
            EmulationError: a stack is full.
        """
        used = [self._used(machine.read(self.start + core * self.bytes, self.bytes)) for core in range(self.cores)]
        full = [core for core, count in enumerate(used) if count == self.bytes]
        if full:
            name = Machine.name(full[0])
            raise EmulationError(
                f"the stack of {name} is full: all {self.bytes:,} bytes were written, and perhaps more below them",
                str(self._image.path),
                fix="enlarge EK_CORE_STACK_BYTES in ek_config.h and the stacks in link.ld, or use smaller variables",
            )
        return used

    def _used(self, stack: bytes) -> int:
        """From the lowest word that was written to the top."""
        fill = bytes([UNINITIALISED]) * WORD
        written = (at for at in range(0, len(stack), WORD) if stack[at : at + WORD] != fill)
        return len(stack) - next(written, len(stack))
