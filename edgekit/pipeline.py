"""``edgekit run``: the other verbs, one after the other, into one folder.

config.json, ...       the training (see quant/training/train.py)
model.onnx, ...        the integer network
firmware/              C project and image for the board
host/                  the same C for this computer
report.json            what came out
report.html            the same as one page
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from deploy.boards import Board, list_boards, load_board
from deploy.build import build, refuse_board
from deploy.operating_point import OperatingPoint
from edgekit.agreement import (
    Agreement,
    EmulatedBoard,
    Machine,
    SimulatedCluster,
    compare,
    host_library,
    onnx_runtime,
)
from edgekit.firmware import Firmware
from edgekit.placement import build_placed
from edgekit.screen import Screen
from quant.errors import Problem, Unsupported, UserError
from quant.graph import Graph

if TYPE_CHECKING:
    from edgekit.emulate.cortex_m import EmulationResult, Traced
    from edgekit.simulation import Simulation

FIRMWARE, HOST, REPORT, PAGE = "firmware", "host", "report.json", "report.html"


@dataclass(frozen=True)
class BuildOptions:
    """How the firmware is built; ``placement`` is decided for the operating point, ``memory`` is that of a cluster."""

    compiler: str
    placement: str
    point: OperatingPoint
    memory: int | None = None


@dataclass(frozen=True, eq=False)
class Priced:
    """A model built, run on every machine, and one inference traced for its price."""

    firmware: Firmware
    result: EmulationResult
    traced: Traced
    placement: dict[str, Any]
    agreements: list[Agreement]


def emulated_board(name: str) -> Board:
    """The board ``name``; raises UserError where it is unknown, has no start-up code or cannot be priced."""
    board = load_board(name)
    if board.target == "host":
        able = [b for b in list_boards() if load_board(b).target != "host"]
        fix = f"choose one of: {', '.join(able)}; 'edgekit build --board {name}' alone works"
        raise UserError(Problem(f"board '{name}' has no price: it is not emulated", supported=", ".join(able), fix=fix))
    refuse_board(board)
    return board


def price(
    model: Path,
    graph: Graph,
    board: Board,
    out: Path,
    inputs: NDArray,
    beats: int,
    options: BuildOptions,
    screen: Screen,
) -> Priced:
    """Build for the board and for this computer, compare all machines, price the board.

    Args:
        inputs: all test inputs (N, *shape); the emulated board gets the first ``beats``.
    """
    with screen.step("firmware") as step:
        placed = build_placed(
            model,
            board,
            out / FIRMWARE,
            options.placement,
            point=options.point,
            compiler=options.compiler,
            force=True,
            progress=step.end,
        )
        build(model, "host", out / HOST, force=True)
        sizes = placed.build.facts["bytes"]
        step.end(f"{sizes['flash']:,} bytes flash, {sizes['ram']:,} bytes RAM")
    firmware = Firmware.load(out / FIRMWARE)
    emulator = EmulatedBoard(firmware)
    machines: list[tuple[str, Machine, NDArray]] = [
        *runtime_machines(model, inputs, screen),
        ("host C", host_library(out / HOST), inputs),
        (f"emulated {board.name}", emulator, inputs[:beats]),
    ]
    agreements = [_compare(graph, name, machine, part, screen) for name, machine, part in machines]
    assert emulator.last is not None
    with screen.step("cost") as step:
        traced = firmware.trace(inputs[0])
        step.end("one inference traced")
    return Priced(firmware, emulator.last, traced, placed.report, agreements)


@dataclass(frozen=True, eq=False)
class PricedCluster:
    """A model built for a cluster, run on every machine, and simulated for its price."""

    firmware: Firmware
    simulation: Simulation
    agreements: list[Agreement]


def price_cluster(
    model: Path,
    graph: Graph,
    board: Board,
    out: Path,
    inputs: NDArray,
    beats: int,
    options: BuildOptions,
    cores: int | None,
    screen: Screen,
) -> PricedCluster:
    """:func:`price` for a board with a cluster, of which ``cores`` compute."""
    with screen.step("firmware") as step:
        place, compiler, memory = out / FIRMWARE, options.compiler, options.memory
        facts = build(model, board.name, place, compiler=compiler, memory=memory, force=True, progress=step.end).facts
        build(model, "host", out / HOST, force=True)
        step.end(f"{facts['bytes']['l1_arena']:,} bytes of L1 for tensors and tiles")
    firmware = Firmware.load(out / FIRMWARE)
    simulated = SimulatedCluster(firmware, options.point, cores)
    machines: list[tuple[str, Machine, NDArray]] = [
        *runtime_machines(model, inputs, screen),
        ("host C", host_library(out / HOST), inputs),
        (f"simulated {board.name}", simulated, inputs[:beats]),
    ]
    agreements = [_compare(graph, name, machine, part, screen) for name, machine, part in machines]
    with screen.step("cost") as step:
        simulation = firmware.simulator().run(inputs[:1], options.point, cores)
        step.end(f"one inference counted, {simulation.mips:.0f} MIPS")
    return PricedCluster(firmware, simulation, agreements)


def runtime_machines(model: Path, inputs: NDArray, screen: Screen) -> list[tuple[str, Machine, NDArray]]:
    """ONNX Runtime, unless a matrix that the model describes by a seed is too large to be written out for it."""
    name = "ONNX Runtime"
    try:
        return [(name, onnx_runtime(model), inputs)]
    except Unsupported as fault:
        with screen.step(f"compare: {name}") as step:
            step.end(f"left out: {fault.what}")
        return []


def _compare(graph: Graph, name: str, machine: Machine, inputs: NDArray, screen: Screen) -> Agreement:
    with screen.step(f"compare: {name}") as step:
        agreement = compare(graph, name, machine, inputs, step.at)
        step.end(str(agreement.first) if agreement.first else f"same bytes on {len(inputs):,} inputs, every layer")
    return agreement


def disagreements(agreements: list[Agreement]) -> list[str]:
    """One message per machine that differs from the reference."""
    return [f"{a.machine} differs first in {a.first} ({a.different} values in all)" for a in agreements if a.different]
