"""Accuracy against dimension as a picture: one line per embedding, the SVM as the line to reach. An SVG by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

from edgekit.page.charts import drawing, markup, shape, text

WIDTH, HEIGHT = 720.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 210.0, 16.0, 40.0
# Okabe and Ito's without black, which is the reference's, and three more.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#7b3294", "#8c510a")
DASHES = "4 3"  # of the reference
FONT = "font-family:sans-serif;font-size:12px"
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
MOST_TICKS = 7
APART = 0.06  # decades between labels that would touch
Point = tuple[float, float]


def lines(found: Mapping[str, Any]) -> dict[str, list[Point]]:
    """Per line: (dimension, accuracy), ascending."""
    drawn: dict[str, list[Point]] = {}
    for method in found["methods"]:
        if method["dimension"]:
            drawn.setdefault(method["line"], []).append((method["dimension"], method["accuracy"]["mean"]))
    return {name: sorted(points) for name, points in drawn.items()}


def picture(found: Mapping[str, Any]) -> str:
    """The SVG's text."""
    drawn = lines(found)
    level = next(m["accuracy"]["mean"] for m in found["methods"] if m["name"] == found["reference"])
    values = [level, *(y for points in drawn.values() for _, y in points)]
    sizes = [x for points in drawn.values() for x, _ in points]
    ticks = levels(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    left, right = log10(min(sizes)) - 0.05, log10(max(sizes)) + 0.05

    def at(point: Point) -> Point:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (log10(point[0]) - left) / (right - left)
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (point[1] - low) / (high - low)

    svg = drawing(
        "curve", "accuracy against dimension", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}"
    )
    svg.set("style", FONT)
    shape(svg, "rect", width=f"{WIDTH:g}", height=f"{HEIGHT:g}", fill="#fff")
    for tick in ticks:
        _level(svg, at((min(sizes), tick))[1], f"{100 * tick:g} %", "#ddd")
    for size in labelled(sizes):
        text(svg, f"{size:g}", x=f"{at((size, low))[0]:.1f}", y=f"{HEIGHT - BOTTOM + 16:g}", text_anchor="middle")
    text(svg, "bits of a vector", x=f"{(LEFT + WIDTH - RIGHT) / 2:g}", y=f"{HEIGHT - 6:g}", text_anchor="middle")
    _level(svg, at((min(sizes), level))[1], "", "#000", stroke_dasharray=DASHES)
    _entry(svg, 0, "#000", found["reference"], stroke_dasharray=DASHES)
    for number, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [at(point) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        shape(svg, "polyline", points=path, fill="none", stroke=colour, stroke_width=2)
        for (x, y), (size, accuracy) in zip(places, points, strict=True):
            words = f"{name}, {size:g} bits: {100 * accuracy:.2f} %"
            shape(svg, "circle", words, cx=f"{x:.1f}", cy=f"{y:.1f}", r=3, fill=colour)
        _entry(svg, number + 1, colour, name)
    return str(markup(svg)) + "\n"


def labelled(sizes: Sequence[float]) -> list[float]:
    """The dimensions that get a label, ascending: not two that would touch, and of many the ends."""
    kept: list[float] = []
    for size in sorted(set(sizes)):
        if not kept or log10(size / kept[-1]) > APART:
            kept.append(size)
    return kept if len(kept) <= MOST_TICKS else [kept[0], kept[-1]]


def levels(low: float, high: float) -> list[float]:
    """Round shares from below ``low`` to above ``high``."""
    step = next((step for step in STEPS if (high - low) / step < MOST_TICKS - 1), STEPS[-1])
    first, last = int(low / step), int(high / step) + 1
    return [step * number for number in range(first, last + 1)]


def _level(svg: Any, y: float, words: str, stroke: str, **style: str) -> None:
    ends = {"x1": f"{LEFT:g}", "x2": f"{WIDTH - RIGHT:g}", "y1": f"{y:.1f}", "y2": f"{y:.1f}"}
    shape(svg, "line", stroke=stroke, **ends, **style)
    text(svg, words, x=f"{LEFT - 6:g}", y=f"{y + 4:.1f}", text_anchor="end")


def _entry(svg: Any, number: int, colour: str, name: str, **style: str) -> None:
    y, x = TOP + 10 + 18 * number, WIDTH - RIGHT + 12
    ends = {"x1": f"{x:g}", "x2": f"{x + 16:g}", "y1": f"{y - 4:g}", "y2": f"{y - 4:g}"}
    shape(svg, "line", stroke=colour, stroke_width=2, **ends, **style)
    text(svg, name, x=f"{x + 22:g}", y=f"{y:g}")
