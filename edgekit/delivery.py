"""What every ``edgekit run`` does with its integer model: build, compare, price, report."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from edgekit import energy, placement
from edgekit.energy import Duty
from edgekit.options import positive
from edgekit.screen import Screen
from quant.graph import Graph

if TYPE_CHECKING:
    from deploy.boards import Board
    from edgekit.agreement import Agreement
    from edgekit.pipeline import BuildOptions

MODEL = "model.onnx"


def arguments(parser: argparse.ArgumentParser, memory: str = "--memory") -> None:
    """The options of board, build and price; ``memory`` names that of a cluster's memory."""
    parser.add_argument("--board", required=True, help="board to build for ('edgekit boards' lists them)")
    parser.add_argument("--compiler", default="zig", help="zig (default) or gcc (the target's own)")
    parser.add_argument("--beats", type=positive, default=100, help="test inputs for the emulated board (default 100)")
    parser.add_argument(
        "--placement", help="auto (default): in RAM what the emulator finds to pay; flash; ram; not on clusters"
    )
    placement.memory_argument(parser, memory)


@dataclass(frozen=True)
class Target:
    """Where the model goes.

    Attributes:
        cores: of a cluster that compute.
        beats: test inputs for the emulated board.
    """

    board: Board
    build: BuildOptions
    cores: int | None
    beats: int
    duty: Duty

    @classmethod
    def of(cls, options: argparse.Namespace) -> Target:
        """What the command line asks for, checked: what is missing or misspelt is said before anything is computed.

        Raises:
            UserError: unknown board, operating point, compiler, placement, or more cores or memory than there are.
        """
        from deploy.build import refuse_memory
        from deploy.compilers import check_compiler
        from edgekit import pipeline

        board = pipeline.emulated_board(options.board)
        if not board.cluster:
            import edgekit.emulate.cortex_m  # noqa: F401
        point = board.operating_point(options.clock, options.range)
        check_compiler(board.target, board.core, options.compiler)
        cores = board.team(options.cores)
        refuse_memory(board, options.memory)
        build = pipeline.BuildOptions(options.compiler, options.placement or "auto", point, options.memory)
        placement.check(build.placement)
        return cls(board, build, cores, options.beats, energy.duty(options))


@dataclass(frozen=True, eq=False)
class Delivered:
    """What came out; ``report`` is that of report.json and may be added to before :func:`conclude`."""

    report: dict[str, Any]
    facts: Mapping[str, Any]
    agreements: list[Agreement]


def deliver(
    graph: Graph,
    out: Path,
    inputs: NDArray,
    target: Target,
    quantized: Mapping[str, Any],
    training: Mapping[str, Any],
    screen: Screen,
) -> Delivered:
    """Build ``out/model.onnx``, which holds ``graph``, compare all machines on it and price it.

    Args:
        inputs: all test inputs (N, *shape).
        quantized: what is known of the integer model: data, metrics, examples ... (model.json).
        training: what the run was asked for (config.json).
    """
    from edgekit import pipeline
    from edgekit.report import make_cluster_report, make_report

    board, build, beats = target.board, target.build, target.beats
    arguments = (out / MODEL, graph, board, out, inputs, beats, build)
    if board.cluster:
        cluster = pipeline.price_cluster(*arguments, target.cores, screen)
        facts = cluster.firmware.facts
        cost, duty, agreements = cluster.simulation.cost, target.duty, cluster.agreements
        report = make_cluster_report(facts, board, cost, duty, facts["sha256"], agreements, quantized, training)
        return Delivered({**report, "left_out": left_out(out / MODEL)}, facts, agreements)
    priced = pipeline.price(*arguments, screen)
    report = make_report(
        priced.firmware,
        priced.result,
        priced.traced,
        build.point,
        target.duty,
        priced.placement,
        priced.agreements,
        quantized,
        training,
    )
    return Delivered({**report, "left_out": left_out(out / MODEL)}, priced.firmware.facts, priced.agreements)


def left_out(model: Path) -> list[dict[str, str]]:
    """Machines that cannot run the model, and why."""
    from quant.interchange.expand import not_expandable
    from quant.interchange.model import load

    reason = not_expandable(load(model))
    return [{"machine": "ONNX Runtime", "reason": reason}] if reason else []


def conclude(
    delivered: Delivered,
    out: Path,
    target: Target,
    choice: str | None,
    screen: Screen,
    extra: Sequence[Any] = (),
    faults: Sequence[str] = (),
) -> int:
    """Write the report and its page, show it, name what disagrees; the exit code.

    Args:
        choice: the placement that was asked for.
        extra: more lines for the screen.
        faults: what is wrong besides machines that disagree.
    """
    from edgekit import pipeline
    from edgekit.page.render import render
    from edgekit.report import summary
    from quant.datasets.cache import write_atomic

    report = delivered.report
    write_atomic(out / pipeline.REPORT, (json.dumps(report, indent=1) + "\n").encode())
    write_atomic(out / pipeline.PAGE, render(report).encode())
    place = f"report in {out / pipeline.PAGE}, everything else beside it"
    lines = [*summary(report, delivered.facts, target.board), *placement.no_flash(target.board, choice), *extra]
    screen.show(report, "", *lines, place)
    found = [*pipeline.disagreements(delivered.agreements), *faults]
    for fault in found:
        print(f"edgekit: {fault}", file=sys.stderr)
    return 1 if found else 0
