"""Scalp maps: one weight per electrode as a round picture of the head seen from above, nose up."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from markupsafe import Markup
from numpy.polynomial.legendre import legval
from numpy.typing import NDArray

from edgekit.page.charts import drawing, markup, shape
from edgekit.page.contours import region
from edgekit.page.figures import MINUS
from edgekit.page.head import flat, place, round_again

RADIUS = 100.0  # of the head, in units of the picture
NODES, EXTENT = 45, 1.08  # of the grid: nodes per side, and half its side in radii of the head
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the largest weight, on both sides of zero
REACH = np.radians(26)  # farther from all electrodes there is nothing to say
ORDER, TERMS = 2, 50  # of the spherical spline; a higher order is smoother, and runs away beyond the electrodes
NAMED = 3  # electrodes in a map's description


def unplaced(channels: Sequence[str]) -> list[str]:
    """The channels that have no place on the head."""
    missing = []
    for name in channels:
        try:
            place(name)
        except ValueError:
            missing.append(name)
    return missing


def scalp_map(weights: Sequence[float], channels: Sequence[str], label: str) -> Markup:
    """The picture: areas of equal weight relative to the largest one, an outline of the head, the electrodes.

    Args:
        weights: one per electrode.
        channels: their names in the 10-10 system.
    """
    relative = np.array(weights, np.float64)
    relative /= np.abs(relative).max() or 1.0
    grid = _grid(tuple(channels))
    field = (grid.spread @ relative).reshape(NODES, NODES)
    names = ", ".join(f"{channels[at]} {signed(relative[at])}" for at in np.argsort(-np.abs(relative))[:NAMED])
    svg = drawing("scalp", f"{label}: largest weights {names}", viewBox="-118 -120 236 232")
    for side, kind in ((1, "above"), (-1, "below")):
        for level in LEVELS:
            _area(svg, side * field, level, kind)
    _area(svg, grid.distance.reshape(NODES, NODES), REACH, "beyond-reach")
    _head(svg)
    for name, weight, (right, front) in zip(channels, relative, grid.dots, strict=True):
        place_on = {"cx": f"{RADIUS * right:.1f}", "cy": f"{-RADIUS * front:.1f}"}
        shape(svg, "circle", f"{name}: {signed(weight)}", r=2.4, kind="dot", **place_on)
    return markup(svg)


def signed(value: float) -> str:
    """Two decimals with their sign."""
    return f"{MINUS if value < 0 else '+'}{abs(value):.2f}"


class _Grid:
    """What maps of the same electrodes share.

    Attributes:
        dots: (E, 2) electrodes on the map.
        spread: (NODES * NODES, E) weights of electrodes -> values at the grid's nodes, rows from front to back.
        distance: (NODES * NODES,) angle from each node to the nearest electrode.
    """

    def __init__(self, channels: Sequence[str]) -> None:
        electrodes = np.array([place(name) for name in channels])
        self.dots = flat(electrodes)
        axis = np.linspace(-EXTENT, EXTENT, NODES)
        right, front = np.meshgrid(axis, -axis)
        nodes = round_again(np.stack([right.ravel(), front.ravel()], 1))
        self.spread = spline(electrodes, nodes)
        self.distance = np.arccos(np.clip(nodes @ electrodes.T, -1, 1)).min(1)


@lru_cache(maxsize=4)
def _grid(channels: tuple[str, ...]) -> _Grid:
    return _Grid(channels)


def spline(electrodes: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix (N, E) from values at ``electrodes`` (E, 3) to values at ``points`` (N, 3), all on the unit sphere.

    Source: Perrin, Pernier, Bertrand, Echallier, "Spherical splines for scalp potential and current density mapping",
    Electroencephalography and Clinical Neurophysiology 72, 1989.
    """
    degrees = np.arange(1, TERMS + 1, dtype=np.float64)
    series = np.array([0.0, *(2 * degrees + 1) / (degrees * (degrees + 1)) ** ORDER]) / (4 * np.pi)

    def kernel(a: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.c_[legval(np.clip(a @ electrodes.T, -1, 1), series), np.ones(len(a))]

    border = np.r_[np.ones(len(electrodes)), 0.0]
    return kernel(points) @ np.linalg.pinv(np.r_[kernel(electrodes), [border]], rcond=1e-12)[:, :-1]


def _area(svg: ET.Element, field: NDArray[np.float64], level: float, kind: str) -> None:
    step, start = 2 * EXTENT * RADIUS / (NODES - 1), -EXTENT * RADIUS
    loops = region(field, level)
    if loops:
        lines = ("L".join(f"{start + step * x:.1f} {start + step * y:.1f}" for x, y in loop) for loop in loops)
        shape(svg, "path", kind=kind, d="".join(f"M{line}Z" for line in lines), fill_rule="evenodd")


def _head(svg: ET.Element) -> None:
    """What lies outside the circle is covered; then the outline, which is all there is of the face."""
    b, r = f"{EXTENT * RADIUS + 1:g}", f"{RADIUS:g}"
    circle = f"M-{r} 0A{r} {r} 0 1 0 {r} 0A{r} {r} 0 1 0 -{r} 0Z"
    shape(svg, "path", kind="cover", d=f"M-{b} -{b}H{b}V{b}H-{b}Z{circle}", fill_rule="evenodd")
    shape(svg, "circle", kind="outline", r=r)
    shape(svg, "path", kind="outline", d="M-11 -99.4L0 -116L11 -99.4")
    for side in (-1, 1):
        points = ((99, -18), (112, -26), (114, -8), (110, 0), (112, 14), (108, 24), (98.5, 17))
        start, *curve = (f"{side * x:g} {y:g}" for x, y in points)
        shape(svg, "path", kind="outline", d=f"M{start}C{' '.join(curve)}")
