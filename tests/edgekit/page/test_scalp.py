"""Scalp maps: interpolation, areas, descriptions."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from edgekit.page.figures import MINUS
from edgekit.page.head import place
from edgekit.page.scalp import LEVELS, scalp_map, signed, spline, unplaced
from tests.edgekit.page.eeg_sample import CHANNELS

ELECTRODES = np.array([place(name) for name in CHANNELS])


def kinds(picture: str, kind: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(picture) if element.get("class") == kind]


def extent(path: ET.Element) -> tuple[float, float, float, float]:
    """Smallest and largest x, smallest and largest y."""
    points = [point.split() for piece in path.get("d").split("M")[1:] for point in piece.rstrip("Z").split("L")]
    x, y = np.array(points, float).T
    return x.min(), x.max(), y.min(), y.max()


def test_the_spline_goes_through_its_values() -> None:
    values = np.random.default_rng(0).normal(size=(len(CHANNELS), 3))
    assert np.allclose(spline(ELECTRODES, ELECTRODES) @ values, values, atol=1e-8)


def test_the_spline_keeps_constants_and_turns_with_the_head() -> None:
    points = np.array([place(name) for name in ("AFz", "C6", "P1")])
    assert np.allclose(spline(ELECTRODES, points).sum(1), 1)
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    assert np.allclose(spline(ELECTRODES @ turn.T, points @ turn.T), spline(ELECTRODES, points), atol=1e-8)


def test_one_electrode_and_two_at_one_place_are_no_problem() -> None:
    assert np.allclose(spline(ELECTRODES[:1], ELECTRODES), 1)
    twice = np.array([place(name) for name in ("T3", "T7", "C4")])
    assert np.isfinite(spline(twice, ELECTRODES)).all()
    ET.fromstring(scalp_map([1.0], ["Cz"], "alone"))


def test_areas_lie_where_the_weights_are() -> None:
    weights = [3.0 * (name == "C3") - 2.9 * (name == "P4") for name in CHANNELS]
    picture = scalp_map(weights, CHANNELS, "Spatial filter 1")
    above, below = kinds(picture, "above"), kinds(picture, "below")
    assert len(above) == len(below) == len(LEVELS)
    left, right, front, back = extent(above[-1])
    assert left <= -40 <= right and front <= 0 <= back  # C3: two of five steps to the left
    left, right, front, back = extent(below[-1])
    assert left > 20 and front > 20
    expected = f"Spatial filter 1: largest weights C3 +1.00, P4 {MINUS}0.97, "
    assert ET.fromstring(picture).get("aria-label").startswith(expected)


def test_every_electrode_is_a_dot_that_names_it() -> None:
    picture = scalp_map(np.linspace(-1, 0.5, len(CHANNELS)), CHANNELS, "x")
    dots = kinds(picture, "dot")
    assert [dot.find("title").text.split(":")[0] for dot in dots] == CHANNELS
    assert dots[0].find("title").text == f"FC5: {MINUS}1.00"
    centre = dots[CHANNELS.index("Cz")]
    assert (float(centre.get("cx")), float(centre.get("cy"))) == (0, 0)
    front = dots[CHANNELS.index("Fz")]
    assert (float(front.get("cx")), float(front.get("cy"))) == (0, -40)


def test_far_from_all_electrodes_nothing_is_claimed() -> None:
    assert kinds(scalp_map([1.0, 0.5, 1.0], ["C3", "Cz", "C4"], "x"), "beyond-reach")
    (hidden,) = kinds(scalp_map([1.0, 0.5, 1.0], ["C3", "Cz", "C4"], "x"), "beyond-reach")
    assert extent(hidden) == pytest.approx((-108, 108, -108, 108))


def test_weights_of_nothing_give_an_empty_head() -> None:
    picture = scalp_map([0.0] * len(CHANNELS), CHANNELS, "x")
    assert kinds(picture, "above") == kinds(picture, "below") == []
    assert len(kinds(picture, "outline")) == 4


def test_which_channels_have_no_place() -> None:
    assert unplaced(CHANNELS) == []
    assert unplaced(["C3", "EOG", "Fz", "ch7"]) == ["EOG", "ch7"]


def test_signs() -> None:
    assert [signed(value) for value in (0.414, -1, 0)] == ["+0.41", f"{MINUS}1.00", "+0.00"]
