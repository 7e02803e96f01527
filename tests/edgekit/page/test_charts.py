"""Geometry of the charts, against numbers worked out by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from markupsafe import Markup

from edgekit.page import charts
from edgekit.page.memory_map import HEIGHT, LEFT, STEP, TOP, memory_map, peak, shortened, ticks


def shapes(picture: Markup, kind: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(picture) if element.get("class") == kind]


def shares(picture: Markup) -> list[tuple[float, float]]:
    """Start and width of every rectangle, in percent."""
    rects = ET.fromstring(picture).findall("rect")
    return [(float(rect.get("x").rstrip("%")), float(rect.get("width").rstrip("%"))) for rect in rects]


def test_a_stacked_bar_is_proportional_and_without_gaps() -> None:
    picture = charts.stacked_bar([("a", "A", 10), ("b", "B", 0), ("c", "C", 30)], 80, "half full")
    assert shares(picture) == [(0, 12.5), (12.5, 37.5)]
    assert ET.fromstring(picture).get("aria-label") == "half full"
    assert [title.text for title in ET.fromstring(picture).iter("title")] == ["A", "C"]


def test_a_bar_of_nothing_is_empty() -> None:
    assert shares(charts.bar(0, 0, "nothing")) == []
    assert shares(charts.bar(3, 4, "most")) == [(0, 75)]


def test_a_meter_shows_what_is_used_and_what_is_too_much() -> None:
    assert shares(charts.meter(25, 100, "RAM")) == [(0, 25)]
    over = charts.meter(125, 100, "RAM")
    assert shares(over) == [(0, 80), (80, 20)]
    assert shapes(over, "beyond")[0].find("title").text.endswith("25\N{NO-BREAK SPACE}bytes too many")


def test_traces_run_from_edge_to_edge_on_the_given_scale() -> None:
    picture = charts.traces([[0, 1, -1], [1, 1, 1]], -1, 1, "two channels")
    first, second = (line.get("points") for line in ET.fromstring(picture).findall("polyline"))
    assert first == "0.0,36.0 100.0,0.0 200.0,72.0"
    assert second == "0.0,0.0 100.0,0.0 200.0,0.0"


@pytest.mark.parametrize("values", [[], [4.0], [4.0, 4.0]])
def test_traces_without_extent_are_drawn_nevertheless(values: list[float]) -> None:
    ET.fromstring(charts.traces([values], 4.0, 4.0, "flat"))


def test_many_channels_lie_below_each_other() -> None:
    picture = ET.fromstring(charts.traces([[0.0, 1.0]] * 5, -1, 1, "five channels"))
    lines = [line.get("points") for line in picture.findall("polyline")]
    assert lines == [f"0.0,{15 + 10 * lane:.1f} 200.0,{10 * lane:.1f}" for lane in range(5)]
    assert picture.get("viewBox") == "0 0 200 70"  # the lowest lane's swing ends at the bottom


def test_long_traces_keep_their_extremes() -> None:
    samples = [0.0] * 1125
    samples[700], samples[703], samples[1124] = 5.0, -4.0, 3.0
    shown = charts.envelope(samples)
    assert len(shown) == 400
    assert (max(shown), min(shown), shown[-1]) == (5.0, -4.0, 3.0)
    assert shown.index(5.0) < shown.index(-4.0)
    assert charts.envelope(samples[:400]) == samples[:400]


TIMELINE = {
    "arena_bytes": 100,
    "steps": ["input", "conv", "output"],
    "buffers": [
        {"name": "x", "kind": "tensor", "offset": 0, "bytes": 40, "first": 0, "last": 1},
        {"name": "s", "kind": "scratch", "offset": 40, "bytes": 50, "first": 1, "last": 1},
        {"name": "y", "kind": "tensor", "offset": 90, "bytes": 10, "first": 1, "last": 2},
    ],
}


def test_buffers_lie_where_and_when_they_live() -> None:
    tensor, other = shapes(memory_map(TIMELINE), "tensor")
    (scratch,) = shapes(memory_map(TIMELINE), "scratch")

    def box(rect: ET.Element) -> list[float]:
        return [float(rect.get(key)) for key in ("x", "y", "width", "height")]

    scale = HEIGHT / 100
    assert box(tensor) == [LEFT, TOP + 60 * scale, 2 * STEP, 40 * scale]
    assert box(scratch) == [LEFT + STEP, TOP + 10 * scale, STEP, 50 * scale]
    assert box(other) == [LEFT + STEP, TOP, 2 * STEP, 10 * scale]
    expected = "s (scratch): 50 bytes at 40, during conv".replace("50 ", "50\N{NO-BREAK SPACE}")
    assert scratch.find("title").text == expected


def test_the_peak_is_marked_over_its_step() -> None:
    assert (peak(TIMELINE).step, peak(TIMELINE).name, peak(TIMELINE).bytes) == (1, "conv", 100)
    for line in shapes(memory_map(TIMELINE), "peak"):
        assert (float(line.get("x1")), float(line.get("x2"))) == (LEFT + STEP, LEFT + 2 * STEP)


def test_labels_are_left_out_where_they_do_not_fit() -> None:
    flat = {**TIMELINE, "arena_bytes": 10_000}
    assert shapes(memory_map(flat), "inside") == []
    assert [label.text for label in shapes(memory_map(TIMELINE), "inside")] == ["x", "50", "y"]


def test_axis_texts() -> None:
    assert list(ticks(7_408)) == [0, 2_048, 4_096, 6_144]
    assert list(ticks(3)) == [0, 1, 2, 3]
    assert shortened("b1.conv1") == "b1.conv1"
    assert shortened("features.12.block.depthwise") == "feature…ck.depthwise"


def test_names_are_escaped() -> None:
    nasty = "<script>&\"'"
    timeline = {**TIMELINE, "steps": [nasty, "conv", "output"]}
    for picture in (memory_map(timeline), charts.bar(1, 2, nasty), charts.traces([[1.0]], 0, 1, nasty)):
        assert "<script" not in picture
        ET.fromstring(picture)
