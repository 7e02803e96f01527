"""The page of ``edgekit compare``: latency against energy as one picture, and the figures as one table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from edgekit.energy import Duty
from edgekit.page import charts
from edgekit.page.figures import amount, rounded
from edgekit.page.render import environment

WIDTH, HEIGHT = 720.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 150.0, 16.0, 48.0  # of the plot; labels need room on the right
MARGIN = 1.25  # factor between the outermost values and the frame
STEPS = ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8))  # the finer ones where too few of the coarse ones lie between the ends
FEW = 3

Row = Mapping[str, Any]


def render(rows: Sequence[Row], duty: Duty) -> str:
    """One HTML page that needs no other file.

    Args:
        rows: of :func:`edgekit.comparison.compare`.
    """
    able = [row for row in rows if not row["problem"]]
    clusters = dict.fromkeys(row["board"] for row in able if "cluster" in row)
    outside = [
        f"{amount(row['memory']['l3_bytes'], 'bytes')} of {row['run']} on {row['board']}"
        for row in able
        if row["memory"].get("l3_bytes")
    ]
    template = environment().get_template("comparison.html.j2")
    return template.render(rows=rows, duty=duty, picture=picture(rows), clusters=list(clusters), outside=outside)


def picture(rows: Sequence[Row]) -> Markup:
    """Every price as a point with its bands, both axes logarithmic; empty where no row has a price."""
    priced = [row for row in rows if not row["problem"]]
    if not priced:
        return Markup("")
    times = [row["cost"][key] for row in priced for key in ("latency_ms_low", "latency_ms_high")]
    energies = [row["cost"][key] for row in priced for key in ("energy_mj_low", "energy_mj_high")]
    x = logarithmic(times, LEFT, WIDTH - RIGHT)
    y = logarithmic(energies, HEIGHT - BOTTOM, TOP)
    label = f"energy against latency of {len(priced)} prices"
    svg = charts.drawing("scatter", label, viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}")
    for value in ticks(min(times) / MARGIN, max(times) * MARGIN):
        charts.shape(svg, "line", kind="grid", x1=x(value), x2=x(value), y1=TOP, y2=HEIGHT - BOTTOM)
        charts.text(svg, f"{value:g}", kind="tick", x=x(value), y=HEIGHT - BOTTOM + 18, text_anchor="middle")
    for value in ticks(min(energies) / MARGIN, max(energies) * MARGIN):
        charts.shape(svg, "line", kind="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y(value), y2=y(value))
        charts.text(svg, f"{value:g}", kind="tick", x=LEFT - 8, y=y(value) + 4, text_anchor="end")
    charts.text(svg, "latency, ms", kind="axis", x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 8, text_anchor="middle")
    charts.text(svg, "energy, mJ", kind="axis", x=8, y=TOP - 4)
    for row in priced:
        _point(svg, row, x, y)
    return charts.markup(svg)


def _point(svg: Any, row: Row, x: Any, y: Any) -> None:
    cost, name = row["cost"], f"{row['run']} on {row['board']}"
    tooltip = f"{name}: {rounded(cost['latency_ms'])} ms, {rounded(cost['energy_mj'])} mJ"
    left, right = x(cost["latency_ms_low"]), x(cost["latency_ms_high"])
    top, bottom = y(cost["energy_mj_high"]), y(cost["energy_mj_low"])
    charts.shape(svg, "rect", tooltip, kind="band", x=left, y=top, width=right - left, height=bottom - top)
    charts.shape(svg, "circle", tooltip, kind="point", cx=x(cost["latency_ms"]), cy=y(cost["energy_mj"]), r=5)
    charts.text(svg, name, kind="label", x=right + 8, y=y(cost["energy_mj"]) + 4)


def logarithmic(values: Sequence[float], start: float, end: float) -> Any:
    """Maps a value to its place between ``start`` and ``end``, logarithmically."""
    low, high = math.log(min(values) / MARGIN), math.log(max(values) * MARGIN)
    return lambda value: round(start + (end - start) * (math.log(value) - low) / (high - low), 2)


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten between the ends, or more of them where these are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for steps in STEPS:
        found = [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
        if len(found) >= FEW:
            break
    return found
