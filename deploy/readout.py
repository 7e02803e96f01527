"""Layers' outputs as they appear in memory while a firmware runs, by the facts of build.json.

A layer that is not cut leaves its output whole after its last call. Of a layer whose output never exists whole, the
entry ``tile_boxes`` says which box lies where after which of its calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.layout import Layout
from quant.dtypes import DType, from_bytes

Facts = Mapping[str, Any]


def stored_tensor(memory: bytes, facts: Facts) -> NDArray:
    """A tensor, in logical shape, from the bytes that ``facts`` (an entry of build.json) says it occupies."""
    dtype = DType(facts["dtype"])
    layout = Layout(tuple(facts["layout"]["view"]), tuple(facts["layout"]["perm"]))
    return layout.tensor(memory, dtype, tuple(facts["shape"]))


def split(data: bytes, tensors: Sequence[Facts]) -> dict[str, NDArray]:
    """Tensors, as callers see them, that lie one after the other; by name."""
    found, at = {}, 0
    for tensor in tensors:
        part = data[at : at + tensor["bytes"]]
        found[tensor["name"]] = from_bytes(part, DType(tensor["dtype"]), tuple(tensor["shape"]))
        at += tensor["bytes"]
    return found


def computed_parts(facts: Facts) -> dict[str, tuple[slice, ...]]:
    """By layer output, what of it a build (``facts``: its build.json) computes, where that is not all of it."""
    outputs = [layer["output"] for layer in facts["layers"]]
    return {t["name"]: tuple(slice(*bounds) for bounds in t["part"]) for t in outputs if "part" in t}


def reads(layer: Facts) -> list[tuple[int, int]]:
    """(offset, bytes) to copy after each of the layer's calls; nothing after most of them."""
    tensor, spans = layer["output"], [(0, 0)] * layer["steps"]
    for box in layer["tile_boxes"]:
        spans[box["step"]] = box["offset"], int(np.prod(_shape(box))) * _item(tensor)
    if not layer["tile_boxes"]:
        spans[-1] = tensor["offset"], tensor["bytes"]
    return spans


def assembled(layer: Facts, data: bytes) -> NDArray:
    """The output, in logical shape, from everything that :func:`reads` told to copy, one after the other."""
    tensor, boxes = layer["output"], layer["tile_boxes"]
    if not boxes:
        return stored_tensor(data, tensor)
    item, at = _item(tensor), 0
    whole = np.zeros((*boxes[0]["size"], item), np.uint8)
    for box in sorted(boxes, key=lambda one: one["step"]):
        shape = (*_shape(box), item)
        size = int(np.prod(shape))
        whole[tuple(slice(*span) for span in box["ranges"])] = np.frombuffer(data, np.uint8, size, at).reshape(shape)
        at += size
    return stored_tensor(whole.tobytes(), tensor)


def order(layers: Sequence[Facts]) -> Iterator[tuple[int, int]]:
    """(layer, number of its call) as the firmware runs them: layers that are fused take turns tile by tile."""
    first = 0
    while first < len(layers):
        members = range(first, first + 1 + len(layers[first]["fused_with"]))
        for call in range(layers[first]["steps"]):
            yield from ((layer, call) for layer in members)
        first = members.stop


def _shape(box: Facts) -> tuple[int, ...]:
    return tuple(stop - start for start, stop in box["ranges"])


def _item(tensor: Facts) -> int:
    return tensor["bytes"] // int(np.prod(tensor["shape"]))
