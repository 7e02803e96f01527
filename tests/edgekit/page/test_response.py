"""Frequency responses, against filters whose response is known."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from edgekit.page.response import FLOOR, response, response_plot, strongest, ticks


def test_a_moving_sum_has_its_zeros() -> None:
    values = response([1.0, 1.0, 1.0, 1.0])
    assert len(values) == 257
    assert values[0] == 0
    assert values[128] == values[256] == FLOOR  # a quarter and half of the sampling rate
    share = 1 / 8
    expected = 20 * np.log10(abs(np.sin(4 * np.pi * share) / np.sin(np.pi * share)) / 4)
    assert values[64] == pytest.approx(expected)


def test_neither_gain_nor_direction_matters() -> None:
    taps = np.random.default_rng(0).normal(size=64)
    assert np.allclose(response(taps), response(-17 * taps[::-1]))


def test_more_taps_than_points_are_all_used() -> None:
    taps = np.cos(2 * np.pi * 0.1 * np.arange(700))
    assert strongest(taps, 100) == "10.0 Hz"


def test_the_strongest_frequency() -> None:
    taps = np.cos(2 * np.pi * 11 / 160 * np.arange(128)) * np.hanning(128)
    assert abs(float(strongest(taps, 160).removesuffix(" Hz")) - 11) < 0.2
    assert strongest([1.0, 1.0], None) == "0.000 fs"
    assert strongest([0.0, 0.0], 160) == "all taps are zero"


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        (80.0, [0, 20, 40, 60, 80]),
        (160 / 6, [0, 5, 10, 15, 20, 25]),
        (125.0, [0, 25, 50, 75, 100, 125]),
        (0.5, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (10_000.0, [500 * number for number in range(21)]),
    ],
)
def test_ticks_are_round(half: float, expected: list[float]) -> None:
    assert ticks(half) == pytest.approx(expected)


def plot(fs: float | None, *filters: list[float]) -> ET.Element:
    return ET.fromstring(response_plot(filters, fs, "Temporal filter 1"))


def boxes(svg: ET.Element) -> dict[str, tuple[float, float]]:
    """Left and right end of every band."""
    found = {rect.get("class"): (float(rect.get("x")), float(rect.get("width"))) for rect in svg.findall("rect")}
    return {name: (x, x + width) for name, (x, width) in found.items()}


def test_bands_lie_at_their_frequencies() -> None:
    svg = plot(160, [1.0])
    bands, scale = boxes(svg), (290 - 34) / 80
    assert bands["mu"] == pytest.approx((34 + 8 * scale, 34 + 13 * scale), abs=0.1)
    assert bands["beta"] == pytest.approx((34 + 13 * scale, 34 + 30 * scale), abs=0.1)


def test_bands_end_with_the_axis() -> None:
    assert boxes(plot(160 / 3, [1.0]))["beta"][1] == pytest.approx(290, abs=0.1)
    assert list(boxes(plot(20, [1.0]))) == ["mu"]
    assert boxes(plot(16, [1.0])) == {}


def test_without_a_sampling_rate_there_are_shares_and_no_bands() -> None:
    svg = plot(None, [1.0, -1.0])
    assert boxes(svg) == {}
    assert svg.get("aria-label") == "Temporal filter 1: strongest at 0.500 fs"
    assert "frequency / sampling rate" in [text.text for text in svg.findall("text")]


def test_one_line_per_filter_that_has_weights() -> None:
    svg = plot(160, [1.0], [1.0, 1.0], [0.0, 0.0])
    first, _ = svg.findall("polyline")
    points = [tuple(map(float, point.split(","))) for point in first.get("points").split()]
    assert points[0] == (34, 16) and points[-1] == (290, 16)  # one tap lets everything through
    assert svg.get("aria-label").endswith("and all taps are zero")
