"""What is copied from flash to RAM at start-up, because RAM answers without wait states."""

from __future__ import annotations

from dataclasses import dataclass

# Sections of the linker scripts; start-up code copies both.
CONSTANTS = '__attribute__((section(".ek_ram_constants")))'
CODE = '__attribute__((section(".ek_ram_code")))'


@dataclass(frozen=True)
class Placement:
    """Names of what lies in RAM; everything else stays in flash.

    Attributes:
        constants: layers whose weights, biases and tables lie in RAM.
        code: C functions (layers' own and shared ones) that lie in RAM.
        everything: all constants, and all code where the board has RAM for code.
    """

    constants: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()
    everything: bool = False

    def holds_constants(self, layer: str) -> bool:
        return self.everything or layer in self.constants

    def holds_code(self, function: str) -> bool:
        return self.everything or function in self.code


FLASH = Placement()
RAM = Placement(everything=True)
