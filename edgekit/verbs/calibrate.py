"""Hold the cost model against published measurements: refits what is fitted, residuals of every row, the band.

Cycles are compared for rows whose software could be run: its events come with EdgeKit, or from files that
'edgekit profile --json' wrote (--profiles). Supply currents, and power of boards with a cluster, are compared for every
row with power or energy.
Nothing is changed: figures are adopted by editing a board's file, with their source.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.screen import Screen, table

if TYPE_CHECKING:
    from edgekit.calibration.fit import CurrentFit, CycleFit, Residual
    from edgekit.calibration.power import PowerFit

EXAMPLES = (
    "edgekit calibrate                                    # the rows that come with EdgeKit",
    "edgekit calibrate measurements.csv --json",
    "edgekit profile EM-FC_4.elf --board stm32l4r5 --within infer --json > events/EM-FC_4.json",
    "edgekit calibrate measurements.csv --profiles events",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "measurements", type=Path, nargs="?", help="CSV: id, platform, clock_mhz, cycles, power_mw, ..."
    )
    parser.add_argument("--profiles", type=Path, help="folder with profiles of the rows' programs, <row id>.json each")


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.calibration.fit import fit_currents, fit_cycles
    from edgekit.calibration.power import fit_power
    from edgekit.calibration.rows import read_events, read_rows

    rows, events = read_rows(options.measurements), read_events(options.profiles)
    cycles, currents, powers = fit_cycles(rows, events), fit_currents(rows), fit_power(rows)
    compared = [fit.residuals for fit in cycles]
    compared += [fit.residuals for fit in currents]
    compared += [fit.residuals for fit in powers]
    priced = {residual.row.id for residuals in compared for residual in residuals}
    priced |= {row.id for fit in powers for row, _ in fit.explained}
    left = [row.id for row in rows if row.id not in priced]
    data = {
        "cycles": [{**asdict(fit), "residuals": [_record(r) for r in fit.residuals]} for fit in cycles],
        "currents": [{**asdict(fit), "residuals": [_record(r) for r in fit.residuals]} for fit in currents],
        "power": [_power_record(fit) for fit in powers],
        "not_compared": left,
    }
    parts: list[Any] = []
    for fit in cycles:
        parts += _cycle_lines(fit)
    parts += _current_lines(currents)
    parts += _power_lines(powers)
    note = f"{len(left)} of {len(rows)} rows have neither power and voltage nor a profile: --json lists them"
    screen.show(data, *parts, *([note] if left else []))
    return 0


def _cycle_lines(fit: CycleFit) -> list[Any]:
    from edgekit.calibration.fit import widest

    cells = [
        (
            r.row.id,
            r.row.platform,
            f"{r.measured:,.0f}",
            f"{r.model:,.0f}",
            _percent(r.percent),
            _percent(r.fitted_percent),
        )
        for r in fit.residuals
    ]
    bands = {r.row.board.bands.cycles_percent for r in fit.residuals if r.row.board and r.row.board.bands}
    band, worst = max(bands, default=0.0), widest(fit.residuals)
    verdict = "holds" if worst <= band else "DOES NOT HOLD"
    return [
        table(("row", "platform", "measured", "model", "off", "refitted"), cells, "cycles", numbers="llrrrr"),
        f"{fit.core}: taken branch +{fit.board_taken:g}, flash read +{fit.board_overhead:g} beyond its wait states;"
        f" refitted +{fit.taken:.2f} and +{fit.overhead:.2f}",
        f"  root mean square {fit.board_rms:.1f} %, refitted {fit.rms:.1f} %;"
        f" flash reads of +{fit.alike[0]:g} to +{fit.alike[1]:g} fit about as well",
        f"  largest difference {worst:.1f} %: the band of ±{band:g} % {verdict}",
        "",
    ]


def _current_lines(fits: list[CurrentFit]) -> list[Any]:
    cells = [
        (
            r.row.id,
            r.row.platform,
            f"{r.row.clock_mhz:g}",
            f"{r.measured:.2f}",
            f"{1e3 * r.measured / r.row.clock_mhz:.0f}",
            "-" if fit.board_ua_per_mhz is None else f"{r.model:.2f}",
            "no board" if fit.board_ua_per_mhz is None else _percent(r.percent),
        )
        for fit in fits
        for r in fit.residuals
    ]
    columns = ("row", "platform", "MHz", "measured mA", "µA/MHz", "model mA", "off")
    lines = [_current_verdict(fit) for fit in fits if fit.board_ua_per_mhz is not None]
    return [table(columns, cells, "supply current", numbers="llrrrrr"), *lines, ""] if cells else []


def _current_verdict(fit: CurrentFit) -> str:
    from edgekit.calibration.fit import widest

    board = fit.residuals[0].row.board
    band = board.bands.current_percent if board and board.bands else 0.0
    worst = widest(fit.residuals)
    verdict = "holds" if worst <= band else "DOES NOT HOLD"
    return (
        f"{fit.platform}: refitted {fit.ua_per_mhz:.0f} µA/MHz; largest difference {worst:.1f} %, ±{band:g} % {verdict}"
    )


def _power_lines(fits: list[PowerFit]) -> list[Any]:
    from edgekit.calibration.power import volts

    cells = []
    for fit in fits:
        for r in fit.residuals:
            cells.append(
                (
                    r.row.id,
                    fit.board.name,
                    f"{r.row.clock_mhz:g}",
                    f"{volts(r.row):g}",
                    f"{r.row.awake:g}",
                    f"{r.measured:.1f}",
                    f"{r.model:.1f}",
                    _percent(r.percent),
                    "not fitted" if r.row.check else _percent(r.fitted_percent),
                )
            )
        for row, share in fit.explained:
            given = (row.id, fit.board.name, f"{row.clock_mhz:g}", f"{volts(row):g}", f"({share:.2f})")
            cells.append((*given, f"{row.mean_mw:.1f}", "-", "-", "-"))
    columns = ("row", "board", "MHz", "V", "awake", "measured mW", "model mW", "off", "refitted")
    note = "awake: share of the cluster's core cycles with a clock; in brackets what explains the measured power"
    lines = [line for fit in fits for line in _power_verdict(fit)]
    return [table(columns, cells, "power of clusters", numbers="llrrrrrrr"), note, *lines, ""] if cells else []


def _power_verdict(fit: PowerFit) -> list[str]:
    from edgekit.calibration.fit import widest

    law, fitted, worst = fit.law, fit.fitted, widest(fit.residuals)
    band = fit.board.bands.current_percent if fit.board.bands else 0.0
    return [
        f"{fit.board.name}: {law.static_mw:.2f} mW + {law.dynamic_mw_per_mhz:.3f} mW/MHz at 1 V,"
        f" {100 * law.resting:.1f} % of the latter while all cores sleep;"
        f" refitted {fitted.static_mw:.2f}, {fitted.dynamic_mw_per_mhz:.3f}, {100 * fitted.resting:.1f} %",
        f"  largest difference {worst:.1f} %: the band of ±{band:g} % {'holds' if worst <= band else 'DOES NOT HOLD'}",
    ]


def _power_record(fit: PowerFit) -> dict[str, Any]:
    return {
        "board": fit.board.name,
        "law": asdict(fit.law),
        "fitted": asdict(fit.fitted),
        "residuals": [_record(residual) for residual in fit.residuals],
        "explained": [{"id": row.id, "measured": row.mean_mw, "awake": share} for row, share in fit.explained],
    }


def _percent(value: float) -> str:
    return f"{value:+.1f} %"


def _record(residual: Residual) -> dict[str, Any]:
    return {
        "id": residual.row.id,
        "measured": residual.measured,
        "model": residual.model,
        "percent": residual.percent,
        "fitted": residual.fitted,
        "fitted_percent": residual.fitted_percent,
    }
