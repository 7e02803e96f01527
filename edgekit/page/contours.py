"""Contour lines of a field on a square grid (marching squares), as the outline of an SVG path."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Edge = tuple[int, int, bool]  # from node (row, column) to the one on its right (False) or below it (True)
Point = tuple[float, float]
# Corners of a cell clockwise, as (row, column), and the edge from each to the next.
CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))
EDGES = ((0, 0, False), (0, 1, True), (1, 0, False), (0, 0, True))


def region(field: NDArray[np.float64], level: float) -> list[list[Point]]:
    """Closed outlines of where ``field`` (rows, columns) is at least ``level``: points (column, row), in grid steps.

    Between nodes the field is linear. Beyond the grid it counts as lower: an outline never leaves it. Filled by the
    even-odd rule the outlines are the region, with its holes.
    """
    outside = min(float(field.min()), level) - 1.0
    padded = np.pad(field, 1, constant_values=outside)
    inside = padded >= level
    corners = [inside[r : r + len(inside) - 1, c : c + inside.shape[1] - 1] for r, c in CORNERS]
    mixed = np.argwhere(np.logical_or.reduce(corners) & ~np.logical_and.reduce(corners))
    following: dict[Edge, Edge] = {}
    for row, column in mixed.tolist():
        following |= _cell(inside, row, column)
    loops = []
    while following:
        edge: Edge | None = next(iter(following))
        loop = []
        while edge in following:
            loop.append(_crossing(padded, level, edge))
            edge = following.pop(edge)
        loops.append(loop)
    return loops


def _cell(inside: NDArray[np.bool_], row: int, column: int) -> dict[Edge, Edge]:
    """Where the outline goes inside one cell: from the edge by which one leaves the region to where one entered it.

    Walking around the cell, entering and leaving alternate; in the neighbour the same edge is walked the other way,
    so that the pieces join. Opposite corners stay apart.
    """
    states = [bool(inside[row + r, column + c]) for r, c in CORNERS]
    changes = [
        ((row + r, column + c, down), states[(at + 1) % 4])
        for at, (r, c, down) in enumerate(EDGES)
        if states[at] != states[(at + 1) % 4]
    ]
    return {changes[(at + 1) % len(changes)][0]: edge for at, (edge, entering) in enumerate(changes) if entering}


def _crossing(padded: NDArray[np.float64], level: float, edge: Edge) -> Point:
    row, column, down = edge
    one, other = padded[row, column], padded[row + down, column + (not down)]
    share = float((level - one) / (other - one))
    # The padding moved every node by one; what lies beyond the grid is drawn at its border.
    x, y = column - 1 + (0 if down else share), row - 1 + (share if down else 0)
    rows, columns = padded.shape
    return min(max(x, 0.0), columns - 3.0), min(max(y, 0.0), rows - 3.0)
