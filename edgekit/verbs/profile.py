"""Price any bare-metal program function by function: cycles, where they go, time and energy.

The program needs to know nothing of EdgeKit. On a Cortex-M board its vector table starts it, and it ends by semihosting
exit (BKPT 0xAB); on a board with a cluster (gap8, gap9, mrwolf) the controller starts at the ELF file's entry, and it
ends by the exit register of the open PULP platform. Otherwise it ends at the function that --until names, or after
--instructions.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.boards import Board, load_board
from edgekit import energy
from edgekit.options import positive
from edgekit.screen import Screen, table
from quant.errors import Problem, UserError

if TYPE_CHECKING:
    from deploy.operating_point import OperatingPoint

EXAMPLES = (
    "edgekit profile some.elf --board stm32l475",
    "edgekit profile some.elf --board stm32l475 --clock 16MHz --json > cost.json",
    "edgekit profile some.elf --board stm32f756 --within inference      # with all that it calls",
    "edgekit profile some.elf --board stm32l475 --start main --until finish",
    "edgekit profile any-pulp.elf --board gap8 --json > cost.json    # all cores of the cluster and the controller",
    "edgekit profile some.elf --board stm32l475 --instructions 1000000",
)
SHOWN = 30


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("elf", type=Path, help="linked ELF file: Cortex-M, or 32-bit RISC-V for boards with a cluster")
    parser.add_argument("--board", required=True, help="board to price for ('edgekit boards' lists them)")
    parser.add_argument("--start", metavar="FUNCTION", help="count from the first call of this function on")
    parser.add_argument("--until", metavar="FUNCTION", help="end when control gets to this function")
    parser.add_argument(
        "--within", metavar="FUNCTION", help="count calls of this function only, with all they call; not on clusters"
    )
    parser.add_argument("--instructions", type=positive, help="end after this many instructions at most")
    energy.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.cost import STALL_TITLES, STALLS, at_clock, priced
    from edgekit.emulate.pricing import Cost
    from edgekit.emulate.profile import BUDGET, Bounds, check_emulated, profile

    board = load_board(options.board)
    check_emulated(board)
    point = board.operating_point(options.clock, options.range)
    if board.cluster:
        return _run_cluster(options, screen, board, point)
    bounds = Bounds(options.start, options.until, options.within, options.instructions)
    with screen.step("profile") as step:
        total_instructions = options.instructions or BUDGET
        result = profile(options.elf, board, bounds, lambda done: step.at(done, total_instructions, "instructions"))
        costs = result.cost(point)
        step.end(f"{result.ended}, {result.finished.mips:.0f} MIPS")
    total = sum(costs.values(), Cost())
    time = energy.latency_ms(board, point, total.cycles.total)
    used = energy.energy_mj(board, point, total.cycles.total)
    data = {
        "elf": str(options.elf),
        "board": board.name,
        "ended": result.ended,
        "exit_code": result.exit_code,
        "printed": result.printed,
        "calls": result.calls,
        "clock_hz": point.clock_hz,
        "voltage_range": point.range,
        "wait_states": point.wait_states,
        **priced(board, point, total),
        **time.as_json("latency_ms"),
        **used.as_json("energy_mj"),
        "events": result.events(),
        "functions": [{"name": name, **priced(board, point, cost)} for name, cost in costs.items()],
        "unknown_peripherals": [f"0x{page:08x}" for page in result.finished.unknown_peripherals],
    }
    _print(result.printed, screen)
    rows = [_cells(row, STALLS) for row in data["functions"][:SHOWN]]
    if len(costs) > SHOWN:
        rest = sum(list(costs.values())[SHOWN:], Cost())
        rows.append(_cells({"name": f"({len(costs) - SHOWN} more: --json)", **priced(board, point, rest)}, STALLS))
    rows.append(_cells({"name": "total", **priced(board, point, total)}, STALLS))
    columns = ("function", "instructions", "cycles", *STALL_TITLES, "µJ")
    screen.show(
        data,
        f"latency   {time.value:.3f} ms ({time.low:.3f} to {time.high:.3f}) on {board.name} at {at_clock(data)}",
        f"          {total.cycles.total:,} cycles, {total.instructions:,} instructions",
        f"energy    {used.value:.4f} mJ ({used.low:.4f} to {used.high:.4f})",
        f"ended     {result.ended}",
        *([f"  completed calls of {options.within}: {result.calls:,}"] if result.calls is not None else ()),
        *_remarks(data["unknown_peripherals"]),
        "",
        table(columns, rows, numbers="lrrrrrrrr"),
    )
    return 0


def _run_cluster(options: argparse.Namespace, screen: Screen, board: Board, point: OperatingPoint) -> int:
    from edgekit.cluster_profile import profile_lines, profile_report
    from edgekit.emulate.pulp.profile import BUDGET, Bounds, profile

    if options.within:
        what = "--within is for Cortex-M boards: on a cluster, functions are counted without what they call"
        supported = "--start, --until and --instructions"
        raise UserError(Problem(what, f"board '{board.name}'", supported, "leave it out: every function has its row"))
    bounds = Bounds(options.start, options.until, options.instructions)
    with screen.step("profile") as step:
        total = options.instructions or BUDGET
        result = profile(options.elf, board, bounds, lambda done: step.at(done, total, "instructions"))
        step.end(f"{result.ended}, {result.mips:.0f} MIPS")
    _print(result.printed, screen)
    report = profile_report(result, point)
    screen.show(report, *profile_lines(report))
    return 0


def _print(text: str, screen: Screen) -> None:
    """What the program has printed, beside the result."""
    if text and not screen.json:
        print(text, end="" if text.endswith("\n") else "\n", file=sys.stderr)


def _cells(row: dict[str, Any], stalls: tuple[str, ...]) -> tuple[Any, ...]:
    name = row["name"] if len(row["name"]) <= 28 else row["name"][:27] + "…"
    return (name, row["instructions"], row["cycles"], *(row["stalls"][k] for k in stalls), f"{row['energy_uj']:.1f}")


def _remarks(pages: list[str]) -> list[str]:
    if not pages:
        return []
    return [f"  peripherals that the board's data do not describe were plain memory to it: {', '.join(pages)}"]
