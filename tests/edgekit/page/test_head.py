"""Electrodes against the definition of the 10-10 system."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.page.head import flat, place, round_again


def on_map(name: str) -> tuple[float, float]:
    """Distance from the middle in steps of 18 degrees, and degrees clockwise from the nose."""
    ((right, front),) = flat(place(name)[None])
    return round(5 * float(np.hypot(right, front)), 6), round(float(np.degrees(np.arctan2(right, front))), 6)


@pytest.mark.parametrize(
    ("name", "distance", "azimuth"),
    [
        ("FCz", 1, 0), ("Fz", 2, 0), ("AFz", 3, 0), ("Fpz", 4, 0),
        ("CPz", 1, 180), ("POz", 3, 180), ("Oz", 4, 180), ("Iz", 5, 180),
        ("C1", 1, -90), ("C4", 2, 90), ("C5", 3, -90), ("T8", 4, 90), ("T9", 5, -90), ("T10", 5, 90),
        ("Fp2", 4, 18), ("AF7", 4, -36), ("F8", 4, 54), ("FT7", 4, -72), ("TP8", 4, 108), ("P7", 4, -126),
        ("PO8", 4, 144), ("O1", 4, -162), ("TP10", 5, 108),
    ],
)  # fmt: skip
def test_midline_ring_and_edge(name: str, distance: float, azimuth: float) -> None:
    assert on_map(name) == (distance, azimuth)


def test_the_middle_is_the_middle() -> None:
    assert np.allclose(place("Cz"), [0, 0, 1])
    assert np.allclose(flat(place("Cz")[None]), 0)


@pytest.mark.parametrize("row", ["AF {} AFz", "F {} Fz", "FC {} FCz", "CP {} CPz", "P {} Pz", "PO {} POz"])
def test_electrodes_of_a_row_are_evenly_spaced_on_a_circle(row: str) -> None:
    letters, _, middle = row.split()
    outermost = {"FC": "FT", "CP": "TP"}.get(letters, letters)
    names = [f"{outermost}7", f"{letters}5", f"{letters}3", f"{letters}1", middle]
    names += [f"{letters}2", f"{letters}4", f"{letters}6", f"{outermost}8"]
    points = np.array([place(name) for name in names])
    assert np.allclose(np.linalg.norm(points, axis=1), 1)
    gaps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.allclose(gaps, gaps[0])
    assert np.linalg.matrix_rank(points - points[0], tol=1e-9) == 2
    assert np.allclose(points, points[::-1] * [-1, 1, 1])


def test_spelling_and_former_names() -> None:
    assert np.array_equal(place("Fc5."), place("FC5"))
    assert np.array_equal(place(" CZ "), place("Cz"))
    assert [on_map(name) for name in ("T3", "T6")] == [on_map(name) for name in ("T7", "P8")]


@pytest.mark.parametrize("name", ["", "EOG", "C", "7", "Fp3", "Iz2", "I1", "C11", "A1", "C3-C4", "channel 3", "C0"])
def test_what_is_no_electrode(name: str) -> None:
    with pytest.raises(ValueError, match="is no electrode of the 10-10 system"):
        place(name)


def test_the_map_has_an_inverse() -> None:
    points = np.array([[0.0, 0.0], [0.3, -0.8], [1.0, 0.0], [-0.7, 0.9]])
    assert np.allclose(flat(round_again(points)), points)
    assert np.allclose(np.linalg.norm(round_again(points), axis=1), 1)
