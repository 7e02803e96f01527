"""Inline SVG: bars, meters and traces. Colours and strokes belong to the style sheet, geometry is decided here.

Bars have no view box: positions along them are percentages, so that they fill their cell at any width undistorted.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup

from edgekit.page.figures import amount

BAR_HEIGHT = 16
TRACE_WIDTH, TRACE_HEIGHT = 200.0, 72.0
OVERLAID = 4  # more channels than these get a lane each
LANE, SWING = 10.0, 3.0  # height of a lane, and of what it shows, in lanes: neighbours may cross, as in any recording
MOST_POINTS = 400  # of a trace: more than there are pixels

# (style class, what it is, how much)
Part = tuple[str, str, float]


def drawing(kind: str, label: str, **attributes: str) -> ET.Element:
    """An SVG that a screen reader announces as one image called ``label``."""
    return ET.Element("svg", {"class": kind, "role": "img", "aria-label": label, **attributes})


def shape(parent: ET.Element, tag: str, tooltip: str = "", **attributes: object) -> ET.Element:
    """A child element; ``kind`` is its style class, an underscore in a name stands for a hyphen."""
    names = {"kind": "class"}
    words = {names.get(key, key.replace("_", "-")): str(value) for key, value in attributes.items()}
    child = ET.SubElement(parent, tag, words)
    if tooltip:
        ET.SubElement(child, "title").text = tooltip
    return child


def text(parent: ET.Element, words: str, **attributes: object) -> None:
    """A line of text."""
    shape(parent, "text", "", **attributes).text = words


def markup(svg: ET.Element) -> Markup:
    """The SVG for a template; names in it are escaped already."""
    return Markup(ET.tostring(svg, encoding="unicode"))


def stacked_bar(parts: Sequence[Part], full: float, label: str, kind: str = "bar") -> Markup:
    """Parts side by side; ``full`` is what the whole width stands for."""
    svg = drawing(kind, label, width="100%", height=str(BAR_HEIGHT))
    start = 0.0
    for style, tooltip, value in parts:
        if value > 0 and full > 0:
            x, width = f"{100 * start / full:.3f}%", f"{100 * value / full:.3f}%"
            shape(svg, "rect", tooltip, kind=style, x=x, y=0, width=width, height="100%")
        start += value
    return markup(svg)


def bar(value: float, full: float, label: str) -> Markup:
    """One value."""
    return stacked_bar([("amount", label, value)], full, label)


def meter(used: int, available: int, name: str) -> Markup:
    """How much of a memory is used; what goes beyond it is a part of its own."""
    label = f"{name}: {amount(used, 'bytes')} of {available:,} used"
    beyond = f"{name}: {amount(used - available, 'bytes')} too many"
    parts = [("amount", label, min(used, available)), ("beyond", beyond, max(0, used - available))]
    return stacked_bar(parts, max(used, available), label, "bar meter")


def traces(channels: Sequence[Sequence[float]], low: float, high: float, label: str) -> Markup:
    """One line per channel; ``low`` and ``high`` are the bottom and the top, the same for pictures to be compared.

    A few channels lie over each other; many lie below each other, the first on top, each in the middle of its lane.
    """
    lanes = len(channels) > OVERLAID
    height = LANE * (len(channels) - 1 + SWING) if lanes else TRACE_HEIGHT
    box = f"0 0 {TRACE_WIDTH:g} {height:g}"
    svg = drawing("trace lanes" if lanes else "trace", label, viewBox=box, preserveAspectRatio="none")
    scale = (LANE * SWING if lanes else TRACE_HEIGHT) / ((high - low) or 1.0)
    for number, samples in enumerate(channels):
        values, top = envelope(samples), LANE * number if lanes else 0.0
        step = TRACE_WIDTH / max(len(values) - 1, 1)
        points = (f"{index * step:.1f},{top + (high - value) * scale:.1f}" for index, value in enumerate(values))
        shape(svg, "polyline", points=" ".join(points))
    return markup(svg)


def envelope(samples: Sequence[float]) -> Sequence[float]:
    """The samples; of more than MOST_POINTS the extremes of stretches that are equally long, as they occur."""
    if len(samples) <= MOST_POINTS:
        return samples
    stretches = MOST_POINTS // 2
    ends = [len(samples) * number // stretches for number in range(stretches + 1)]
    result: list[float] = []
    for start, end in pairwise(ends):
        places = range(start, end)
        extremes = (min(places, key=samples.__getitem__), max(places, key=samples.__getitem__))
        result += [samples[place] for place in sorted(extremes)]
    return result
