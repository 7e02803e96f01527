"""What ``edgekit profile`` says of a program on a cluster: functions, cores, time and energy, as data and as text.

Cycles of all cores add up to cores times the cycles that have passed, the controller being one of them. Energy follows
from the share of the cluster's core cycles that are awake, as for an inference (:mod:`edgekit.cluster_cost`); where the
controller works and no core of the cluster does, it counts as one core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deploy.operating_point import OperatingPoint
from edgekit.cluster_cost import AWAKE, CATEGORIES, named, shares
from edgekit.cost import at_clock, bands_report
from edgekit.energy import energy_mj, latency_ms
from edgekit.screen import table

if TYPE_CHECKING:
    from edgekit.emulate.pulp.profile import Profile

NO_SYMBOL, NOT_STARTED = "(no symbol or not started)", "(not started)"
SHOWN = 20
NAME = 26  # characters of a function's name in tables


def profile_report(profile: Profile, point: OperatingPoint) -> dict[str, Any]:
    """All that is known of a run at an operating point."""
    board, stats, cycles = profile.board, profile.stats, profile.cycles
    totals = _named(stats)
    awake = awake_share(profile)
    return {
        "elf": str(profile.image.path),
        "board": board.name,
        "ended": profile.ended,
        "exit_code": profile.exit_code,
        "printed": profile.printed,
        "clock_hz": point.clock_hz,
        "voltage_range": point.range,
        "cycles": cycles,
        **totals,
        **latency_ms(board, point, cycles).as_json("latency_ms"),
        **energy_mj(board, point, cycles, awake).as_json("energy_mj"),
        "awake": awake,
        "bands": bands_report(board),
        "misaligned": _misaligned(profile),
        "mips": profile.mips,
        "cores": [{"name": name, **_named(stats[:, core])} for core, name in enumerate(_core_names(stats))],
        "functions": _functions(profile),
    }


def awake_share(profile: Profile) -> float:
    """Share of the core cycles of the cluster that are awake; see the head of this file for the controller."""
    assert profile.board.cluster is not None
    by_core = _cycles(profile.stats).sum(axis=0)  # (core, category)
    awake = (by_core * np.array(AWAKE)).sum(axis=-1)
    cluster, controller = awake[:-1], int(awake[-1])
    alone = min(controller, profile.cycles - int(cluster.max()))
    whole = profile.board.cluster.cores * profile.cycles
    return (int(cluster.sum()) + alone) / whole if whole else 0.0


def profile_lines(report: Mapping[str, Any]) -> list[Any]:
    """The same as text."""
    misaligned = report["misaligned"]
    first = "          the first one: {core}, {function}, address {address}"
    return [
        f"latency   {report['latency_ms']:.3f} ms ({report['latency_ms_low']:.3f} to {report['latency_ms_high']:.3f})"
        f" on {report['board']} at {at_clock(report)}",
        f"          {report['cycles']:,} cycles, {report['instructions']:,} instructions of all cores",
        f"energy    {report['energy_mj']:.4f} mJ ({report['energy_mj_low']:.4f} to {report['energy_mj_high']:.4f}),"
        f" cores awake {100 * report['awake']:.0f} % of the time",
        f"DMA       {report['dma_in_bytes']:,} bytes in, {report['dma_out_bytes']:,} out",
        f"ended     {report['ended']}",
        f"          {misaligned['count']:,} misaligned accesses",
        *([first.format(**misaligned)] if misaligned["count"] else []),
        "",
        *_tables("function", report["functions"], report),
        "",
        *_tables("core", report["cores"], report),
    ]


def _functions(profile: Profile) -> list[dict[str, Any]]:
    """One entry per function that ran, the one with most awake cycles first; row 0 of the counters comes last."""
    outside = NO_SYMBOL if profile.stats[0]["instructions"].any() else NOT_STARTED
    names = [(outside, None), *((symbol.name, f"0x{symbol.address:08x}") for symbol in profile.image.functions)]
    rows = [
        {"name": name, "address": address, **_named(profile.stats[index]), "by_core": _by_core(profile.stats[index])}
        for index, (name, address) in enumerate(names)
        if _cycles(profile.stats[index]).any()
    ]
    return sorted(rows, key=lambda row: (row["name"] == NOT_STARTED, -row["awake_cycles"]))


def _cycles(stats: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., category) of counters of any shape."""
    from edgekit.emulate.pulp.native import CYCLES

    return np.stack([stats[name] for name in CYCLES], axis=-1).astype(np.int64)


def _named(stats: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Sums over counters of any shape."""
    cycles = _cycles(stats).reshape(-1, len(CATEGORIES)).sum(axis=0)
    return {
        "instructions": int(stats["instructions"].sum()),
        "core_cycles": int(cycles.sum()),
        "awake_cycles": int((cycles * np.array(AWAKE)).sum()),
        "stalls": named(tuple(cycles.tolist())),
        "dma_in_bytes": int(stats["dma_in"].sum()),
        "dma_out_bytes": int(stats["dma_out"].sum()),
        "misaligned_accesses": int(stats["misaligned"].sum()),
    }


def _by_core(stats: np.ndarray[Any, Any]) -> list[dict[str, int]]:
    return [named(tuple(row)) for row in _cycles(stats).tolist()]


def _core_names(stats: np.ndarray[Any, Any]) -> list[str]:
    return [*(f"core {core}" for core in range(stats.shape[1] - 1)), "controller"]


def _misaligned(profile: Profile) -> dict[str, Any]:
    """How many accesses the hardware had to split or wait for, and where the first one was."""
    from edgekit.emulate.pulp.machine import Machine

    found = profile.misaligned
    if not found.count:
        return {"count": 0}
    where = {"core": Machine.name(found.core), "function": profile.image.describe(found.pc)}
    return {"count": found.count, **where, "pc": f"0x{found.pc:08x}", "address": f"0x{found.address:08x}"}


def _tables(kind: str, rows: Sequence[Mapping[str, Any]], report: Mapping[str, Any]) -> list[Any]:
    """What functions or cores did: counts, and where their time went."""
    shown = rows[:SHOWN]
    cells = [_cells(row, report) for row in shown]
    if len(rows) > SHOWN:
        cells.append((f"({len(rows) - SHOWN} more: --json)", "", "", "", "", ""))
    cells.append(_cells({**report, "name": "total"}, report))
    stalls = [(_short(row["name"]), *shares(row["stalls"])) for row in (*shown, {**report, "name": "total"})]
    titles = [title for _, title, _ in CATEGORIES]
    columns = (kind, "instructions", "core cycles", "awake", "of all awake", "DMA bytes")
    return [
        table(columns, cells, numbers="lrrrrr"),
        "",
        table(("share of core time", *titles), stalls, numbers="l" + "r" * len(titles)),
    ]


def _cells(row: Mapping[str, Any], report: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        _short(row["name"]),
        row["instructions"],
        row["core_cycles"],
        row["awake_cycles"],
        _percent(row["awake_cycles"], report["awake_cycles"]),
        row["dma_in_bytes"] + row["dma_out_bytes"],
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _short(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "…"
