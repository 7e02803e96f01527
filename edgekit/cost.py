"""What a run costs, layer by layer: the firmware's facts joined with what the emulator counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgekit.emulate.cortex_m import EmulationResult

OVERHEAD = "(between layers)"


def layer_costs(facts: Mapping[str, Any], result: EmulationResult) -> list[dict[str, Any]]:
    """One row per layer, and a last one for what the model's run function spends between them."""
    keys = ("name", "op", "kernel", "macs", "executed_macs")
    rows = [
        {**{key: layer[key] for key in keys}, "instructions": cost.instructions, "cycles": cost.cycles}
        for layer, cost in zip(facts["layers"], result.layers, strict=True)
    ]
    rest = result.overhead
    none = {"op": "-", "kernel": "-", "macs": 0, "executed_macs": 0}
    return [*rows, {"name": OVERHEAD, **none, "instructions": rest.instructions, "cycles": rest.cycles}]


def mac_per_cycle(macs: int, cycles: int) -> str:
    """Table MACs per cycle, the only meaning MAC/cycle has in EdgeKit."""
    return f"{macs / cycles:.2f} MAC/cycle"
