"""Run the image that would be flashed on an emulated board; prints outputs, cycles, time and energy per layer."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit import energy
from edgekit.screen import Screen
from edgekit.verbs import emulate_learning

if TYPE_CHECKING:
    from deploy.operating_point import OperatingPoint
    from edgekit.firmware import Firmware

EXAMPLES = (
    "edgekit emulate firmware-ecg --input beats.npy",
    "edgekit emulate firmware-ecg --input beats.npy --save outputs.npy --json > cost.json",
    "edgekit emulate firmware-ecg                               # price only, with a made-up input",
    "edgekit emulate firmware-ecg --clock 16MHz                 # the same image, priced at another clock",
    "edgekit emulate app --input beats.npy --cores 8            # a build for a cluster",
    "edgekit emulate firmware-hd --learn shots.npy --class 1 --then-classify queries.npy",
    "edgekit emulate firmware-ecg --best-energy --every 250ms --battery 225mAh",
)
SHOWN = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("firmware", type=Path, help="folder that 'edgekit build' wrote")
    parser.add_argument(
        "--input", type=Path, help=".npy: (N, *shape) in the type of the input, or raw samples in float"
    )
    parser.add_argument("--save", type=Path, help="write the outputs to this .npy file")
    parser.add_argument("--best-energy", action="store_true", help="compare all clocks, price the most frugal one")
    emulate_learning.arguments(parser)
    energy.core_argument(parser)
    energy.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit import cost
    from edgekit.firmware import Firmware
    from edgekit.macs import macs_line
    from edgekit.samples import load_samples, random_samples
    from edgekit.sweep import frugal, points_table, sweep

    firmware = Firmware.load(options.firmware)
    board, duty = firmware.board, energy.duty(options)
    if emulate_learning.asked(options):
        return emulate_learning.run(options, screen, firmware, board.operating_point(options.clock, options.range))
    tensor, info = firmware.input, firmware.facts["info"]
    inputs = load_samples(options.input, tensor, info) if options.input else random_samples(1, tensor)
    point = board.operating_point(options.clock, options.range) if board.clock_hz else None
    cores = board.team(options.cores)
    if board.cluster:
        assert point is not None
        return _run_cluster(options, screen, firmware, inputs, point, cores)
    with screen.step("emulation") as step:
        emulation = firmware.emulate(inputs)
        result = emulation.result
        step.end(f"{len(inputs)} inferences, {result.mips:.0f} MIPS")
    with screen.step("cost") as step:
        traced = firmware.trace(inputs[0])
        step.end(f"one inference traced, {traced.finished.mips:.0f} MIPS")
    if options.save:
        _save(options.save, emulation.outputs)
    points = sweep(traced, duty) if options.best_energy else []
    if options.best_energy:
        point = frugal(points)
    assert point is not None
    priced = traced.cost(point)
    report = cost.cost_report(board, priced, duty)
    rows = cost.layer_costs(firmware.facts, board, priced)
    data = {
        "board": board.name,
        "sha256": result.sha256,
        "inferences": len(inputs),
        **{key: firmware.facts[key] for key in ("macs", "executed_macs", "order")},
        **{key: report["cost"][key] for key in ("instructions", "cycles", "latency_ms", "energy_mj")},
        **report,
        "stack_used_bytes": result.stack_used,
        "mips": result.mips,
        "selftest_passed": result.selftest_passed,
        "layers": rows,
        "points": points,
        "outputs": emulation.outputs.tolist(),
    }
    screen.show(
        data,
        *cost.decision_lines(report, board, firmware.facts["macs"]),
        f"  {result.stack_used} bytes of stack used",
        "",
        cost.cycles_table(rows, report["cost"], firmware.facts["macs"]),
        macs_line(firmware.facts),
        *(["", points_table(points, point)] if points else []),
        *(_outputs(emulation.outputs) if options.input else ()),
    )
    return 0


def _run_cluster(
    options: argparse.Namespace, screen: Screen, firmware: Firmware, inputs: Any, point: OperatingPoint, cores: int
) -> int:
    from edgekit.cluster_cost import cluster_layers, cluster_lines, cluster_report, cluster_tables
    from edgekit.macs import macs_line
    from edgekit.sweep import frugal, points_table, sweep_cluster

    board, duty, simulator = firmware.board, energy.duty(options), firmware.simulator()
    points = []
    if options.best_energy:
        with screen.step("clocks") as step:
            points = sweep_cluster(board, lambda at: simulator.run(inputs[:1], at, cores).cost, duty)
            step.end(f"{len(points)} operating points")
        point = frugal(points)
    with screen.step("simulation") as step:
        result = simulator.run(inputs, point, cores)
        step.end(f"{len(inputs)} inferences, {result.mips:.0f} MIPS")
    if options.save:
        _save(options.save, result.outputs)
    report = cluster_report(board, result.cost, duty)
    rows = cluster_layers(firmware.facts, board, result.cost)
    data = {
        "board": board.name,
        "sha256": simulator.sha256,
        "inferences": len(inputs),
        **{key: firmware.facts[key] for key in ("macs", "executed_macs", "order")},
        **{key: report["cost"][key] for key in ("instructions", "cycles", "latency_ms", "energy_mj")},
        **report,
        "misaligned_accesses": result.misaligned.count,
        "stack_used_bytes": result.stack_used,
        "mips": result.mips,
        "selftest_passed": result.selftest_passed,
        "layers": rows,
        "points": points,
        "outputs": result.outputs.tolist(),
    }
    screen.show(
        data,
        *cluster_lines(report, board, firmware.facts["macs"]),
        f"  {result.stack_used} of {simulator.stacks.bytes} bytes of stack used on the core that uses most",
        "",
        *cluster_tables(rows, report, firmware.facts["macs"]),
        macs_line(firmware.facts),
        *(["", points_table(points, point)] if points else []),
        *(_outputs(result.outputs) if options.input else ()),
    )
    return 0


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
