"""Layers' outputs read back from memory, whole or tile by tile."""

from __future__ import annotations

from typing import Any

import numpy as np

from deploy.readout import assembled, order, reads

TENSOR = {
    "dtype": "s8",
    "shape": [2, 1, 5],
    "bytes": 10,
    "offset": 40,
    "layout": {"view": [2, 1, 5], "perm": [1, 2, 0]},
}


def layer(name: str, steps: int, boxes: list[dict[str, Any]], fused: int = 0) -> dict[str, Any]:
    return {"name": name, "output": TENSOR, "steps": steps, "tile_boxes": boxes, "fused_with": ["x"] * fused}


def box(step: int, first: int, last: int) -> dict[str, Any]:
    """Columns of an output of 1 x 5 positions with 2 channels."""
    return {"step": step, "offset": 8, "size": [1, 5, 2], "ranges": [[0, 1], [first, last], [0, 2]]}


def test_a_stored_output_is_read_behind_the_last_call() -> None:
    stored = layer("a", 3, [])
    assert reads(stored) == [(0, 0), (0, 0), (40, 10)]
    assert np.array_equal(assembled(stored, bytes(range(10))), np.arange(10).reshape(5, 2).T[:, None])


def test_tiles_are_read_where_they_lie_and_put_together() -> None:
    """They overlap, and not every call leaves one."""
    tiled = layer("a", 3, [box(2, 2, 5), box(0, 0, 3)])
    assert reads(tiled) == [(8, 6), (0, 0), (8, 6)]
    whole = np.arange(10).reshape(5, 2)
    data = whole[:3].astype(np.int8).tobytes() + whole[2:].astype(np.int8).tobytes()
    assert np.array_equal(assembled(tiled, data), whole.T[:, None])


def test_fused_layers_take_turns() -> None:
    layers = [layer("a", 1, []), layer("b", 2, [], 1), layer("c", 2, [], 1), layer("d", 2, [])]
    assert list(order(layers)) == [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (3, 0), (3, 1)]
