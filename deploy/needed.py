"""Only what is needed: backwards from the outputs, the box of every tensor that somebody reads.

The cone behind the last time step of a TCN, the columns that no pool drops: every operator computes its box only, on
boxes of its inputs. Boxes are ranges of the spatial axes. Channels are always whole, and so are the tensors that
callers see: inputs, outputs and states. A tensor that nobody reads is computed whole, as the model says.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from deploy.box import Box, shape_of, union, whole
from deploy.parts import Part, make_part, wanted
from quant.graph import Graph, Tensor


@dataclass(frozen=True)
class Needed:
    """The needed box of every tensor of ``graph`` by name, and the operators that compute them by node."""

    graph: Graph
    boxes: dict[str, Box]
    parts: dict[str, Part]

    def tensor(self, name: str) -> Tensor:
        """The tensor as it is stored: its needed box."""
        return replace(self.graph.tensors[name], shape=shape_of(self.boxes[name]))

    def partial(self, name: str) -> bool:
        """Whether less than the whole tensor is needed."""
        return self.boxes[name] != whole(self.graph.tensors[name].shape)


def needed(graph: Graph) -> Needed:
    """What of every tensor is needed.

    A node that cannot read its part out of what its input stores, because others need more of that, computes
    everything; that may widen what others store, so that the pass starts again.
    """
    entire: set[str] = set()
    while True:
        boxes = _boxes(graph, entire)
        parts: dict[str, Part] = {}
        unable: set[str] = set()
        for node in graph.nodes:
            stored = [boxes[name] for name in node.inputs]
            part = make_part(node.op, graph.inputs_of(node), stored, boxes[node.output])
            if part is None:
                unable.add(node.name)
            else:
                parts[node.name] = part
        if not unable:
            return Needed(graph, boxes, parts)
        entire |= unable


def _boxes(graph: Graph, entire: Set[str]) -> dict[str, Box]:
    """Boxes by tensor; the nodes named in ``entire`` read and compute everything."""
    full = {name: whole(tensor.shape) for name, tensor in graph.tensors.items()}
    seen = [name for entry in graph.entries for name in (*entry.inputs, *entry.outputs)]
    boxes = {name: full[name] for name in (*seen, *(name for s in graph.states for name in (s.input, s.output)))}
    for node in reversed(graph.nodes):
        box = boxes.setdefault(node.output, full[node.output])
        wants = None if node.name in entire else wanted(node.op, graph.inputs_of(node), box)
        if wants is None:
            boxes[node.output] = full[node.output]
            wants = tuple(full[name] for name in node.inputs)
        for name, want in zip(node.inputs, wants, strict=True):
            want = (full[name][0], *want[1:])
            boxes[name] = union(boxes.get(name, want), want)
    return boxes
