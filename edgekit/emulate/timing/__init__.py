"""Instruction timing of the cores that are emulated, one file each."""

from __future__ import annotations

from edgekit.emulate.timing.core import Charge, Core, StaticBlock
from edgekit.emulate.timing.m4 import CORTEX_M4F
from edgekit.emulate.timing.m7 import CORTEX_M7F

CORES = {core.name: core for core in (CORTEX_M4F, CORTEX_M7F)}

__all__ = ["CORES", "Charge", "Core", "StaticBlock"]
