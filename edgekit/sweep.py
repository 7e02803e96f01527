"""One traced inference priced at every operating point of its board: which clock drains the battery least?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deploy.boards import Board
from deploy.operating_point import OperatingPoint, candidates
from edgekit.cluster_cost import ClusterCost, cluster_report
from edgekit.cost import cost_report
from edgekit.energy import Duty
from edgekit.screen import table
from quant.errors import Problem, UserError

if TYPE_CHECKING:
    from edgekit.emulate.cortex_m import Traced


def sweep(traced: Traced, duty: Duty) -> list[dict[str, Any]]:
    """``cost`` and ``duty`` of a report, at every point."""
    return _points(cost_report(traced.board, traced.cost(point), duty) for point in candidates(traced.board.ranges))


def sweep_cluster(board: Board, simulate: Callable[[OperatingPoint], ClusterCost], duty: Duty) -> list[dict[str, Any]]:
    """The same on a cluster, where another clock means another simulation: L3 takes the same time, not cycles."""
    return _points(cluster_report(board, simulate(point), duty) for point in candidates(board.ranges))


def _points(reports: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"cost": report["cost"], "power": report["power"], "duty": report["duty"]} for report in reports]


def frugal(points: Sequence[dict[str, Any]]) -> OperatingPoint:
    """The point with the lowest mean current among those that end within the period, band included.

    Raises:
        UserError: no clock is fast enough.
    """
    able = [point for point in points if point["duty"]["in_time"]]
    if not able:
        fastest = min(point["cost"]["latency_ms_high"] for point in points)
        what = f"no clock ends an inference within {points[0]['duty']['period_s']:g} s (at best {fastest:.2f} ms)"
        raise UserError(Problem(what, "--every", fix="allow more time, or use a smaller network"))
    best = min(able, key=lambda point: point["duty"]["average_ua"])
    cost, power = best["cost"], best["power"]
    current = power.get("full_ma", power["run_ma"]), power.get("asleep_ma")
    return OperatingPoint(cost["clock_hz"], cost["voltage_range"], cost.get("wait_states", 0), *current)


def points_table(points: Sequence[dict[str, Any]], chosen: OperatingPoint) -> Any:
    """One row per operating point; the chosen one is marked."""
    rows = [
        (
            "*" if (p["cost"]["clock_hz"], p["cost"]["voltage_range"]) == (chosen.clock_hz, chosen.range) else "",
            f"{p['cost']['clock_hz'] / 1e6:g} MHz",
            p["cost"]["voltage_range"],
            p["cost"].get("wait_states", "-"),
            p["cost"]["cycles"],
            f"{p['cost']['latency_ms']:.2f}",
            f"{p['power']['run_ma']:.2f}",
            f"{p['cost']['energy_mj']:.3f}",
            f"{p['duty']['average_ua']:.1f}",
            f"{p['duty']['battery_days']:.1f}" if p["duty"]["in_time"] else "too slow",
        )
        for p in points
    ]
    columns = ("", "clock", "range", "wait states", "cycles", "ms", "mA", "mJ", "mean µA", "days")
    return table(columns, rows, numbers="lrlrrrrrrr")
