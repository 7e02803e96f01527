"""Run the image that would be flashed on an emulated board; prints outputs, instructions and cycles per layer."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edgekit.screen import Screen, table

EXAMPLES = (
    "edgekit emulate firmware-ecg --input beats.npy",
    "edgekit emulate firmware-ecg --input beats.npy --save outputs.npy --json > cost.json",
    "edgekit emulate firmware-ecg                               # price only, with a made-up input",
)
SHOWN = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("firmware", type=Path, help="folder that 'edgekit build' wrote")
    parser.add_argument("--input", type=Path, help=".npy: int8 (N, *shape), or raw samples in float")
    parser.add_argument("--save", type=Path, help="write the outputs to this .npy file")


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.cost import layer_costs, mac_per_cycle
    from edgekit.firmware import Firmware
    from edgekit.samples import load_samples, random_samples

    firmware = Firmware.load(options.firmware)
    tensor, info = firmware.input, firmware.facts["info"]
    inputs = load_samples(options.input, tensor, info) if options.input else random_samples(1, tensor)
    with screen.step("emulation") as step:
        emulation = firmware.emulate(inputs)
        result = emulation.result
        step.end(f"{len(inputs)} inferences, {result.mips:.0f} MIPS")
    if options.save:
        _save(options.save, emulation.outputs)
    rows = layer_costs(firmware.facts, result)
    data = {
        "board": firmware.board.name,
        "sha256": result.sha256,
        "inferences": len(inputs),
        "instructions": result.instructions,
        "cycles": result.cycles,
        "latency_ms": result.latency_ms,
        "stack_used_bytes": result.stack_used,
        "mips": result.mips,
        "selftest_passed": result.selftest_passed,
        "layers": rows,
        "outputs": emulation.outputs.tolist(),
    }
    columns = ("layer", "operator", "kernel", "MACs", "instructions", "cycles", "MAC/cycle")
    cells = [(*(r[k] for k in ("name", "op", "kernel", "macs", "instructions", "cycles")), _rate(r)) for r in rows]
    screen.show(
        data,
        table(columns, cells, numbers="lllrrrr"),
        "",
        f"{result.latency_ms:.2f} ms, {result.cycles:,} cycles, {result.instructions:,} instructions per inference on "
        f"{firmware.board.name} at {result.clock_hz / 1e6:g} MHz",
        f"  {mac_per_cycle(firmware.facts['macs'], result.cycles)} at zero flash wait states, "
        f"{result.stack_used} bytes of stack used",
        *(_outputs(emulation.outputs) if options.input else ()),
    )
    return 0


def _rate(row: dict[str, Any]) -> str:
    return f"{row['macs'] / row['cycles']:.2f}" if row["macs"] and row["cycles"] else "-"


def _outputs(outputs: Any) -> list[str]:
    lines = [f"  output {index}: {values.tolist()}" for index, values in enumerate(outputs[:SHOWN])]
    return lines if len(outputs) <= SHOWN else [*lines, f"  ... {len(outputs) - SHOWN} more: --save FILE, or --json"]


def _save(path: Path, outputs: Any) -> None:
    import io

    import numpy as np

    from quant.datasets.cache import write_atomic

    buffer = io.BytesIO()
    np.save(buffer, outputs)
    write_atomic(path, buffer.getvalue())
