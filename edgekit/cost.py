"""What an inference costs on a board, as reports say it: cycles and where they go, time, energy, battery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deploy.boards import Board
from deploy.operating_point import OperatingPoint
from edgekit.energy import Duty, battery, energy_mj, latency_ms
from edgekit.macs import computed_share
from edgekit.screen import table

if TYPE_CHECKING:
    from edgekit.emulate.cortex_m import ModelCost
    from edgekit.emulate.pricing import Cost

OVERHEAD = "(between layers)"
STALLS = ("execute", "load_use", "branch", "fetch", "data")
STALL_TITLES = ("execute", "load-use", "branch", "fetch", "data")


def cost_report(board: Board, cost: ModelCost, duty: Duty) -> dict[str, Any]:
    """The entries ``cost``, ``power``, ``duty`` and ``bands`` of a report."""
    total, point = cost.total, cost.point
    assert board.power is not None
    return {
        "cost": {
            "cycles": total.cycles.total,
            "instructions": total.instructions,
            **latency_ms(board, point, total.cycles.total).as_json("latency_ms"),
            **energy_mj(board, point, total.cycles.total).as_json("energy_mj"),
            "clock_hz": point.clock_hz,
            "firmware_clock_hz": board.clock_hz,
            "wait_states": point.wait_states,
            "voltage_range": point.range,
            "overhead_cycles": cost.overhead.cycles.total,
            "stalls": asdict(total.cycles),
        },
        "power": {
            "run_ma": point.run_ma,
            "run_ua_per_mhz": point.run_ma * 1e9 / point.clock_hz,
            "supply_v": board.power.supply_v,
            "source": next(one.source for one in board.ranges if one.name == point.range),
            **sleep_report(board, point, duty),
        },
        "duty": battery(board, point, total.cycles.total, duty),
        "bands": bands_report(board),
    }


def sleep_report(board: Board, point: OperatingPoint, duty: Duty) -> dict[str, Any]:
    """The part of the entry ``power`` that is about the time between inferences."""
    assert board.power is not None
    idle = board.power.waiting(duty.idle)
    return {"sleep_ua": idle.current_ua(point.clock_hz), "sleep_mode": idle.title, "sleep_source": idle.source}


def bands_report(board: Board) -> dict[str, Any]:
    """The entry ``bands``; ``..._below_percent`` only where a band is not symmetric."""
    assert board.bands is not None
    bands = board.bands
    above = (1 + bands.cycles_percent / 100) * (1 + bands.current_percent / 100)
    below = (1 - bands.below_percent / 100) * (1 - bands.current_percent / 100)
    lower = {"cycles_below_percent": bands.below_percent, "energy_below_percent": 100 * (1 - below)}
    return {
        "cycles_percent": bands.cycles_percent,
        "energy_percent": 100 * (above - 1),
        **({} if bands.cycles_below_percent is None else lower),
        "why": bands.source,
    }


def layer_costs(facts: Mapping[str, Any], board: Board, cost: ModelCost) -> list[dict[str, Any]]:
    """One row per layer that runs, and a last one for what the model's run function spends between them."""
    keys = ("name", "op", "kernel", "why", "macs", "executed_macs")
    rows = [
        {
            **{key: layer[key] for key in keys},
            "computed": computed_share(layer["output"]),
            "part": layer["output"].get("part"),
            **priced(board, cost.point, cost.layers[layer["name"]]),
        }
        for layer in facts["layers"]
        if layer["name"] in cost.layers
    ]
    none = {"op": "-", "kernel": "-", "why": "-", "macs": 0, "executed_macs": 0, "computed": 1.0, "part": None}
    return [*rows, {"name": OVERHEAD, **none, **priced(board, cost.point, cost.overhead)}]


def priced(board: Board, point: OperatingPoint, cost: Cost) -> dict[str, Any]:
    """Instructions, cycles with their parts, and microjoules, as a report's rows have them."""
    return {
        "instructions": cost.instructions,
        "cycles": cost.cycles.total,
        "stalls": asdict(cost.cycles),
        "energy_uj": 1e3 * energy_mj(board, point, cost.cycles.total).value,
    }


def mac_per_cycle(macs: int, cycles: int) -> str:
    """Table MACs per cycle, the only meaning MAC/cycle has in EdgeKit."""
    return f"{macs / cycles:.2f} MAC/cycle"


def at_clock(point: Mapping[str, Any]) -> str:
    """The operating point in words; ``point``: the entry ``cost`` of a report."""
    clock, states = f"{point['clock_hz'] / 1e6:g} MHz", point.get("wait_states")
    if states is None:
        return f"{clock}, {point['voltage_range']}"
    return f"{clock}, {states} flash wait state{'' if states == 1 else 's'}"


def clock_remark(cost: Mapping[str, Any]) -> list[str]:
    """What is left to do where the generated start-up code sets up another clock than the one that was priced."""
    own, priced = cost["firmware_clock_hz"], cost["clock_hz"]
    if own in (None, priced):
        return []
    where = "board/board.c" if "wait_states" in cost else "the clock of its main file"
    return [f"clock     the firmware sets up {own / 1e6:g} MHz: change {where} to run at {priced / 1e6:g} MHz"]


def decision_lines(report: Mapping[str, Any], board: Board, macs: int) -> list[str]:
    """Latency, energy and battery life with their bands, as text."""
    cost, power = report["cost"], report["power"]
    return [
        f"latency   {cost['latency_ms']:.2f} ms ({cost['latency_ms_low']:.2f} to {cost['latency_ms_high']:.2f})"
        f" at {at_clock(cost)}",
        f"          {cost['cycles']:,} cycles, {mac_per_cycle(macs, cost['cycles'])}, "
        f"{cost['instructions']:,} instructions",
        f"energy    {cost['energy_mj']:.3f} mJ ({cost['energy_mj_low']:.3f} to {cost['energy_mj_high']:.3f})"
        f" at {power['supply_v']:g} V, {power['run_ma']:.2f} mA",
        *running_lines(report, board),
    ]


def running_lines(report: Mapping[str, Any], board: Board) -> list[str]:
    """Battery life, and what is left to do to run like this."""
    cost, duty = report["cost"], report["duty"]
    cell = f"{duty['battery_mah']:g} mAh, one inference every {duty['period_s']:g} s, {board.name} alone"
    days = (
        f"{duty['battery_days']:.1f} days ({duty['battery_days_low']:.1f} to {duty['battery_days_high']:.1f}) on {cell}"
    )
    late = f"TOO SLOW for one inference every {duty['period_s']:g} s"
    return [f"battery   {days if duty['in_time'] else late}", *clock_remark(cost)]


def cycles_table(rows: Sequence[Mapping[str, Any]], cost: Mapping[str, Any], macs: int) -> Any:
    """Every layer's cycles and where they go, and the total; ``macs``: of the network's table in published order."""
    total = {"name": "total", "kernel": "", "macs": macs}
    total |= {key: cost[key] for key in ("cycles", "stalls")} | {"energy_uj": sum(row["energy_uj"] for row in rows)}
    cells = [
        (r["name"], r["kernel"], r["macs"], r["cycles"], *(r["stalls"][k] for k in STALLS), f"{r['energy_uj']:.1f}")
        for r in (*rows, total)
    ]
    columns = ("layer", "kernel", "MACs", "cycles", *STALL_TITLES, "µJ")
    return table(columns, cells, numbers="llrrrrrrrr")
