"""Accuracy against the length of the vectors: points on a logarithmic axis, joined by a line."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from edgekit.page.charts import drawing, markup, shape, text

LEFT, RIGHT, TOP, BOTTOM = 44.0, 30.0, 12.0, 36.0  # margins, in units of the picture
WIDTH, HEIGHT = 480.0, 220.0
LINES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of accuracy


def accuracy_curve(points: Sequence[Mapping[str, float]], reference: float, name: str) -> Markup:
    """One point per ``dimension`` with its ``accuracy``, 0..1; a dashed line at ``reference``, that of ``name``."""
    sizes = [point["dimension"] for point in points]
    first, last = points[0], points[-1]
    label = (
        f"Accuracy against bits: {100 * first['accuracy']:.1f} % at {first['dimension']:,} bits, "
        f"{100 * last['accuracy']:.1f} % at {last['dimension']:,}; {name} {100 * reference:.1f} %"
    )
    svg = drawing("curve", label, viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}")
    decades = _decades(min(sizes), max(sizes))
    _axes(svg, decades)
    y = _y(reference)
    shape(svg, "line", f"{name}: {100 * reference:.2f} %", kind="reference", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
    places = [(_x(point["dimension"], decades), _y(point["accuracy"])) for point in points]
    shape(svg, "polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
    for (x, y), point in zip(places, points, strict=True):
        words = f"{point['dimension']:,} bits: {100 * point['accuracy']:.2f} %"
        shape(svg, "circle", words, cx=f"{x:.1f}", cy=f"{y:.1f}", r=3)
    return markup(svg)


def _decades(least: float, most: float) -> tuple[int, int]:
    """Powers of ten around all sizes."""
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return low, max(high, low + 1)


def _x(size: float, decades: tuple[int, int]) -> float:
    low, high = decades
    return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(size) - low) / (high - low)


def _y(share: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)


def _axes(svg: ET.Element, decades: tuple[int, int]) -> None:
    for share in LINES:
        y = _y(share)
        shape(svg, "line", kind="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{y:g}", y2=f"{y:g}")
        text(svg, f"{100 * share:.0f} %", x=LEFT - 6, y=f"{y + 4:g}", text_anchor="end")
    low, high = decades
    for power in range(low, high + 1):
        text(svg, f"{10**power:,}", x=f"{_x(10**power, decades):.1f}", y=HEIGHT - BOTTOM + 16, text_anchor="middle")
    text(svg, "bits of a vector", x=WIDTH - RIGHT, y=HEIGHT - 4, text_anchor="end")
