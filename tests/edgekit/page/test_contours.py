"""Outlines of regions, against areas worked out otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.page.contours import Point, region


def area(loops: list[list[Point]]) -> float:
    """Area by the even-odd rule: outlines run around the region in one sense, around its holes in the other."""
    total = 0.0
    for loop in loops:
        x, y = np.array(loop).T
        total += float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return abs(total)


def test_one_node_is_a_diamond() -> None:
    field = np.zeros((5, 5))
    field[2, 2] = 1.0
    (loop,) = region(field, 0.5)
    assert sorted(loop) == [(1.5, 2.0), (2.0, 1.5), (2.0, 2.5), (2.5, 2.0)]
    (loop,) = region(field, 0.75)
    assert area([loop]) == pytest.approx(2 * 0.25**2)


def test_everything_is_the_whole_grid_and_nothing_is_empty() -> None:
    field = np.ones((4, 6))
    (loop,) = region(field, 0.5)
    assert area([loop]) == pytest.approx(3 * 5)
    assert region(field, 1.5) == []


def test_a_plane_is_cut_straight() -> None:
    field = np.tile(np.arange(9.0), (9, 1))
    (loop,) = region(field, 2.25)
    assert area([loop]) == pytest.approx((8 - 2.25) * 8)
    assert min(x for x, _ in loop) == 2.25


def test_a_ring_has_a_hole() -> None:
    axis = np.linspace(-2, 2, 161)
    radius = np.hypot(*np.meshgrid(axis, axis))
    loops = region(-abs(radius - 1), -0.5)
    assert len(loops) == 2
    assert area(loops) / 40**2 == pytest.approx(np.pi * (1.5**2 - 0.5**2), rel=2e-3)


def test_opposite_corners_stay_apart() -> None:
    assert len(region(np.eye(2), 0.5)) == 2
    assert len(region(1 - np.eye(2), 0.5)) == 2


def test_outlines_of_random_fields_are_closed_and_leave_their_complement_alone() -> None:
    rng = np.random.default_rng(0)
    field = rng.normal(size=(12, 9))
    for level in (-1.0, 0.0, 0.7):
        loops = region(field, level)
        assert all(len(loop) >= 3 for loop in loops)
        for loop in loops:
            steps = np.abs(np.diff(np.array([*loop, loop[0]]), axis=0)).max()
            assert steps <= 1  # never across more than one cell: no outline was torn
        below = region(-field, np.nextafter(-level, 9))
        assert area(loops) + area(below) <= 11 * 8 + 1e-9
