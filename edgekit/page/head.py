"""Where the electrodes of the 10-10 system sit: on a sphere, and on the round map that is the head seen from above.

Source: Oostenveld and Praamstra, "The five percent electrode system for high-resolution EEG and ERP measurements",
Clinical Neurophysiology 112, 2001. Steps of the midline are a tenth of the way from nasion to inion, 18 degrees; the
ring through Fpz, T7, Oz and T8 lies 72 degrees from the vertex; electrodes between midline and ring divide the arc
through their row's three points evenly.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quant.datasets.montage import electrode, position

STEP = 18.0  # degrees
RING, EDGE = 4 * STEP, 5 * STEP  # polar angles of the ring and of the head's edge, degrees
FORMER = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}  # names of the 10-20 system that the 10-10 system replaced
OUTERMOST = {4: 1, 5: 0}  # electrodes to each side of the midline up to the ring, in rows where it is not 4
BELOW = 5  # electrodes 9 and 10 are the fifth to their side: at the head's edge


def place(name: str) -> NDArray[np.float64]:
    """Unit vector (right, front, up) of an electrode; upper and lower case, blanks and dots around it do not matter.

    Raises:
        ValueError: no electrode of the 10-10 system.
    """
    label = electrode(name)
    right, front = map(int, position(FORMER.get(label, label)))
    outermost, side = OUTERMOST.get(abs(front), 4), abs(right)
    if side > outermost and (side != BELOW or not outermost):
        raise ValueError(f"'{name}' is no electrode of the 10-10 system")
    if side == 0:
        return _polar(STEP * abs(front), 0.0 if front >= 0 else 180.0)
    azimuth = math.copysign(EDGE - STEP * front, right)
    return _polar(EDGE, azimuth) if side == BELOW else _between(front, azimuth, side / outermost)


def flat(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) on the sphere -> (N, 2) to the right and to the front, in radii of the head's edge.

    Azimuthal equidistant: the distance from the vertex is the angle from it.
    """
    radius = np.degrees(np.arccos(np.clip(points[:, 2], -1, 1))) / EDGE
    azimuth = np.arctan2(points[:, 0], points[:, 1])
    return np.stack([radius * np.sin(azimuth), radius * np.cos(azimuth)], 1)


def round_again(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of :func:`flat`; radii up to 2 have one."""
    radius = np.hypot(points[:, 0], points[:, 1])
    angle, scale = np.radians(radius * EDGE), 1 / np.maximum(radius, 1e-12)
    return np.stack([*(points.T * scale * np.sin(angle)), np.cos(angle)], 1)


def _polar(angle: float, azimuth: float) -> NDArray[np.float64]:
    """``angle`` from the vertex, ``azimuth`` from the nose to the right, in degrees."""
    angle, azimuth = math.radians(angle), math.radians(azimuth)
    return np.array([math.sin(angle) * math.sin(azimuth), math.sin(angle) * math.cos(azimuth), math.cos(angle)])


def _between(row: int, azimuth: float, share: float) -> NDArray[np.float64]:
    """``share`` of the way from the midline of ``row`` to its end on the ring, on the arc through both ends."""
    middle, end = _polar(STEP * abs(row), 0.0 if row >= 0 else 180.0), _polar(RING, azimuth)
    chord = np.array([0.0, *end[1:]])  # half way between both ends
    sagitta = float(np.linalg.norm(middle - chord))
    up, half = (middle - chord) / sagitta, abs(end[0])
    radius = (half**2 + sagitta**2) / (2 * sagitta)
    angle = share * math.atan2(half, radius - sagitta)
    aside = np.array([math.copysign(1.0, azimuth), 0.0, 0.0])
    return middle - radius * up + radius * (math.cos(angle) * up + math.sin(angle) * aside)
