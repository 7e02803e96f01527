"""Slices that copy nothing: where concats alone read a box of a tensor, they take it from the tensor itself."""

from __future__ import annotations

from deploy.box import Box, whole
from deploy.needed import Needed
from quant.graph import Node
from quant.ops import Concat, Slice

Views = dict[str, tuple[str, Box]]


def views(need: Needed) -> Views:
    """By output of a slice that is no layer, the tensor that it is a box of and the box of what is stored of that."""
    graph = need.graph
    seen = {name for entry in graph.entries for name in (*entry.inputs, *entry.outputs)}
    seen |= {name for state in graph.states for name in state.outputs}
    found: Views = {}
    for node in graph.nodes:
        op, readers = need.parts[node.name].op, graph.consumers(node.output)
        if not isinstance(op, Slice) or node.output in seen or node.inputs[0] in found:
            continue
        bounds = op.bounds(need.tensor(node.inputs[0]).shape)
        if (
            readers
            and all(isinstance(reader.op, Concat) for reader in readers)
            and {step for *_, step in bounds} == {1}
        ):
            found[node.output] = node.inputs[0], tuple((start, stop) for start, stop, _ in bounds)
    return found


def through(need: Needed, node: Node, found: Views) -> tuple[tuple[str, ...], tuple[Box, ...]]:
    """The tensors that a node reads and what of them, with views replaced by what they are boxes of."""
    takes = need.parts[node.name].takes
    if not any(name in found for name in node.inputs):
        return node.inputs, takes
    names, boxes = [], []
    for position, name in enumerate(node.inputs):
        source, box = found.get(name, (name, whole(need.tensor(name).shape)))
        take = takes[position] if takes else whole(need.tensor(name).shape)
        names.append(source)
        boxes.append(tuple((at + first, at + last) for (at, _), (first, last) in zip(box, take, strict=True)))
    return tuple(names), tuple(boxes)
