"""The arena over time as SVG: steps from left to right, addresses upwards, one rectangle for every buffer."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from edgekit.page.charts import drawing, markup, shape, text
from edgekit.page.figures import amount

LEFT, RIGHT, TOP = 56.0, 24.0, 34.0  # margins, in the same units as everything: pixels at natural size
STEP, HEIGHT = 68.0, 300.0
CHARACTER, LINE = 6.3, 13.0  # what a label needs, generously
LONGEST, SLOPE = 20, 35.0  # of a step's name: characters, and degrees it is turned by


@dataclass(frozen=True)
class Peak:
    """The first step at which the largest number of bytes is live."""

    step: int
    name: str
    bytes: int


def peak(timeline: Mapping[str, Any]) -> Peak:
    """Where memory is scarcest."""
    live = [
        sum(buffer["bytes"] for buffer in timeline["buffers"] if buffer["first"] <= step <= buffer["last"])
        for step in range(len(timeline["steps"]))
    ]
    most = max(live)
    return Peak(live.index(most), timeline["steps"][live.index(most)], most)


def memory_map(timeline: Mapping[str, Any]) -> Markup:
    """The picture; its view box is its natural size."""
    steps, size = timeline["steps"], timeline["arena_bytes"]
    names = [shortened(name) for name in steps]
    bottom = 24 + CHARACTER * max(map(len, names)) * math.sin(math.radians(SLOPE))
    width, height = LEFT + STEP * len(steps) + RIGHT, TOP + HEIGHT + bottom
    highest = peak(timeline)
    label = (
        f"Arena of {amount(size, 'bytes')} over {len(steps)} steps; "
        f"most, {amount(highest.bytes, 'bytes')}, is live at {highest.name}"
    )
    svg = drawing("map", label, viewBox=f"0 0 {width:g} {height:.0f}", style=f"--natural: {width:g}px")
    _axes(svg, names, size, width)
    for buffer in timeline["buffers"]:
        _buffer(svg, buffer, steps, HEIGHT / max(size, 1))
    _limit(svg, size, width)
    _mark_peak(svg, highest)
    return markup(svg)


def _x(step: int) -> float:
    return LEFT + STEP * step


def _mark_peak(svg: ET.Element, highest: Peak) -> None:
    ends = {"x1": f"{_x(highest.step):g}", "x2": f"{_x(highest.step + 1):g}"}
    for y in (TOP, TOP + HEIGHT):
        shape(svg, "line", kind="peak", y1=f"{y:g}", y2=f"{y:g}", **ends)
    middle = f"{_x(highest.step) + STEP / 2:g}"
    text(svg, f"peak: {amount(highest.bytes, 'bytes')}", kind="strong", x=middle, y=TOP - 20, text_anchor="middle")


def _axes(svg: ET.Element, names: Sequence[str], size: int, width: float) -> None:
    for address in ticks(size):
        y = TOP + HEIGHT * (1 - address / max(size, 1))
        shape(svg, "line", kind="grid", x1=f"{LEFT:g}", x2=f"{width - RIGHT:g}", y1=f"{y:.1f}", y2=f"{y:.1f}")
        text(svg, f"{address:,}", x=LEFT - 8, y=f"{y + 4:.1f}", text_anchor="end")
    text(svg, "address", x=LEFT - 8, y=TOP - 6, text_anchor="end")
    for number, name in enumerate(names):
        x, y = _x(number) + STEP / 2, TOP + HEIGHT + 14
        text(svg, name, transform=f"translate({x + 4:g} {y:g}) rotate(-{SLOPE:g})", text_anchor="end")


def _buffer(svg: ET.Element, buffer: Mapping[str, Any], steps: Sequence[str], scale: float) -> None:
    name, size, offset = buffer["name"], buffer["bytes"], buffer["offset"]
    first, last = buffer["first"], buffer["last"]
    width, height = STEP * (last - first + 1), size * scale
    y = TOP + HEIGHT - (offset + size) * scale
    when = f"during {steps[first]}" if first == last else f"from {steps[first]} to {steps[last]}"
    tooltip = f"{name} ({buffer['kind']}): {amount(size, 'bytes')} at {offset:,}, {when}"
    box = {"x": f"{_x(first):g}", "y": f"{y:.2f}", "width": f"{width:g}", "height": f"{height:.2f}"}
    shape(svg, "rect", tooltip, kind=buffer["kind"], **box)
    words = name if buffer["kind"] != "scratch" else f"{size:,}"
    if height >= LINE and width >= len(words) * CHARACTER:
        middle = {"x": f"{_x(first) + width / 2:g}", "y": f"{y + height / 2 + 4:.1f}"}
        text(svg, words, kind="inside", text_anchor="middle", **middle)


def _limit(svg: ET.Element, size: int, width: float) -> None:
    shape(svg, "line", kind="limit", x1=f"{LEFT:g}", x2=f"{width - RIGHT:g}", y1=f"{TOP:g}", y2=f"{TOP:g}")
    text(svg, f"arena: {amount(size, 'bytes')}", x=f"{width - RIGHT:g}", y=TOP - 6, text_anchor="end")


def shortened(name: str) -> str:
    """A step's name as the axis has room for it; names of layers differ at their ends."""
    return name if len(name) <= LONGEST else f"{name[:7]}…{name[8 - LONGEST :]}"


def ticks(size: int) -> range:
    """Round addresses below ``size``: multiples of a power of two, three to six of them."""
    step = 1
    while size // step > 5:
        step *= 2
    return range(0, size + 1, step)
