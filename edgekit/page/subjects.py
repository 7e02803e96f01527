"""Accuracy by subject: a pair of bars for each, float beside int8, with their mean and what guessing would give."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from edgekit.page.charts import drawing, markup, shape, text
from edgekit.page.figures import percent

LEFT, RIGHT, TOP, BOTTOM = 44.0, 132.0, 12.0, 40.0  # margins, in the same units as everything: pixels at natural size
HEIGHT = 200.0  # of the whole scale
MANY, WIDE, NARROW = 12, 48.0, 30.0  # up to MANY subjects have the WIDE step, more the NARROW one
FILLED = 0.72  # share of a step that the pair of bars fills
APART = 14.0  # what two labels at the right need
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Subject = Mapping[str, Any]


def by_subject(subjects: Sequence[Subject]) -> list[Subject]:
    """In the order of their numbers."""
    return sorted(subjects, key=lambda subject: subject["subject"])


def mean(subjects: Sequence[Subject], network: str) -> float:
    """Mean over subjects, each of whom counts the same."""
    return sum(subject[network] for subject in subjects) / len(subjects)


def subject_bars(subjects: Sequence[Subject], classes: int) -> Markup:
    """The picture; its view box is its natural size.

    Args:
        subjects: ``subject``, ``trials``, and the shares ``float`` and ``int8`` of trials that are right.
        classes: of which guessing gets one right.
    """
    ordered = by_subject(subjects)
    step = WIDE if len(ordered) <= MANY else NARROW
    right = LEFT + step * len(ordered)
    width, height = right + RIGHT, TOP + HEIGHT + BOTTOM
    averages = {network: percent(mean(ordered, network)) for network in ("float", "int8")}
    label = f"Accuracy of {len(ordered)} subjects; mean: float {averages['float']}, int8 {averages['int8']}"
    svg = drawing("subjects", label, viewBox=f"0 0 {width:g} {height:g}", style=f"--natural: {width:g}px")
    for share in TICKS:
        _line(svg, "grid", share, right)
        text(svg, percent(share, 0), x=LEFT - 8, y=f"{_y(share) + 4:g}", text_anchor="end")
    for number, subject in enumerate(ordered):
        _pair(svg, subject, LEFT + step * number, step)
    text(svg, "subject", x=f"{(LEFT + right) / 2:g}", y=height - 4, text_anchor="middle")
    _levels(svg, [("mean", mean(ordered, "int8"), "mean int8"), ("chance", 1 / classes, "chance")], right)
    return markup(svg)


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)


def _line(svg: ET.Element, kind: str, share: float, right: float) -> None:
    y = f"{_y(share):.2f}"
    shape(svg, "line", kind=kind, x1=f"{LEFT:g}", x2=f"{right:g}", y1=y, y2=y)


def _pair(svg: ET.Element, subject: Subject, left: float, step: float) -> None:
    wide = step * FILLED / 2
    for side, network in enumerate(("float", "int8")):
        share = subject[network]
        tooltip = f"subject {subject['subject']}, {network}: {percent(share)} of {subject['trials']:,} trials"
        box = {"x": f"{left + step / 2 + (side - 1) * wide:.2f}", "y": f"{_y(share):.2f}", "width": f"{wide:.2f}"}
        shape(svg, "rect", tooltip, kind=network, height=f"{HEIGHT * share:.2f}", **box)
    text(svg, str(subject["subject"]), x=f"{left + step / 2:g}", y=TOP + HEIGHT + 16, text_anchor="middle")


def _levels(svg: ET.Element, levels: Sequence[tuple[str, float, str]], right: float) -> None:
    """Lines across, named at their right end; names keep apart where the lines do not."""
    lowest = 0.0
    for kind, share, name in sorted(levels, key=lambda level: -level[1]):
        _line(svg, kind, share, right)
        lowest = max(_y(share) + 4, lowest + APART)
        text(svg, f"{name} {percent(share)}", kind=kind, x=f"{right + 8:g}", y=f"{lowest:.2f}")
