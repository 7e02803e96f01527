"""Only what is needed: backwards from the outputs, the elements of every tensor that somebody reads.

The cone behind the last time step of a TCN, the columns that no pool drops: every operator computes its part only, from
parts of its inputs. A part is a range of every spatial axis, with a step where dilated taps leave elements out.
Channels are always whole, and so are the tensors that callers see: inputs, outputs and states. A tensor that nobody
reads is computed whole, as the model says.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from math import gcd

from deploy.lattice import Lattice, joined, plain, shape_of, thinned, whole
from deploy.parts import Part, make_part, wanted
from quant.graph import Graph, Tensor
from quant.ops import Reshape
from quant.ops.base import Op

Steps = tuple[int, ...]


@dataclass(frozen=True)
class Needed:
    """What of every tensor of ``graph`` is needed, by name, and the operators that compute it, by node."""

    graph: Graph
    boxes: dict[str, Lattice]
    parts: dict[str, Part]

    def tensor(self, name: str) -> Tensor:
        """The tensor as it is stored: its needed part, without gaps."""
        return replace(self.graph.tensors[name], shape=shape_of(self.boxes[name]))

    def partial(self, name: str) -> bool:
        """Whether less than the whole tensor is needed."""
        return self.boxes[name] != plain(whole(self.graph.tensors[name].shape))


def needed(graph: Graph) -> Needed:
    """What of every tensor is needed.

    A node that cannot read its part out of what its input stores, because others need more of that, computes elements
    in between as well, or everything; that may widen what others store, so that the pass starts again.
    """
    entire: set[str] = set()
    steps: dict[str, Steps] = {}
    while True:
        boxes = _boxes(graph, entire, steps)
        parts: dict[str, Part] = {}
        for node in graph.nodes:
            stored, box = [boxes[name] for name in node.inputs], boxes[node.output]
            part = make_part(node.op, graph.inputs_of(node), stored, box)
            if part is not None:
                parts[node.name] = part
                continue
            dense = _dense(node.op, stored, box)
            if dense != tuple(step for *_, step in box):
                steps[node.name] = dense
            else:
                entire.add(node.name)
        if len(parts) == len(graph.nodes):
            return Needed(graph, boxes, parts)


def _dense(op: Op, stored: list[Lattice], box: Lattice) -> Steps:
    """Steps of ``box`` that leave out nothing of what lies between its elements in the inputs."""
    if isinstance(op, Reshape) or any(len(lattice) != len(box) for lattice in stored):
        return (1,) * len(box)
    return tuple(gcd(*(step for *_, step in lines)) for lines in zip(box, *stored, strict=True))


def _boxes(graph: Graph, entire: Set[str], steps: Mapping[str, Steps]) -> dict[str, Lattice]:
    """What is needed by tensor; nodes in ``entire`` read and compute everything, those in ``steps`` that densely."""
    full = {name: whole(tensor.shape) for name, tensor in graph.tensors.items()}
    seen = [name for entry in graph.entries for name in (*entry.inputs, *entry.outputs)]
    boxes = {name: full[name] for name in (*seen, *(name for s in graph.states for name in (s.input, *s.outputs)))}
    for node in reversed(graph.nodes):
        box = boxes.setdefault(node.output, full[node.output])
        box = boxes[node.output] = plain(thinned(box, steps.get(node.name, (0,) * len(box))))
        wants = None if node.name in entire else wanted(node.op, graph.inputs_of(node), box)
        if wants is None:
            boxes[node.output] = plain(full[node.output])
            wants = tuple(full[name] for name in node.inputs)
        for name, want in zip(node.inputs, wants, strict=True):
            want = (full[name][0], *want[1:])
            boxes[name] = joined(boxes.get(name, want), want)
    return {name: plain(box) for name, box in boxes.items()}
