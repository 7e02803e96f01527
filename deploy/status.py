"""What an entry's C function returns: whether its label means a class, and whether that class has samples.

The rules come from the operators alone: a label is what they take to choose a class of a memory, a count of samples is
a state of one number per class that an entry erases, or that Hamming distances ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from quant.graph import Entry, Graph, Node
from quant.ops import Accumulate, Count, Erase, Hamming

HEADER = "status.h"


MEANINGS = (
    "done",
    "no such class: the label is below 0",
    "the class memory is full: the label is beyond its last class",
    "never seen: no samples of this class, or of any",
    "not saved: flash did not take the states, which will be lost with power",
)  # of an ek_status, by number


@dataclass(frozen=True)
class Label:
    """An input that names one of ``classes`` classes."""

    tensor: str
    classes: int


def reports(graph: Graph) -> bool:
    """Whether the functions of a model return a status: those of several entries do."""
    return len(graph.entries) > 1


def label_of(graph: Graph, entry: Entry) -> Label | None:
    """The input of an entry by which it chooses a class; None where it takes none."""
    for node in graph.nodes_of(entry):
        if isinstance(node.op, Accumulate | Count | Erase) and node.inputs[-1] in entry.inputs:
            return Label(node.inputs[-1], graph.tensors[node.inputs[0]].shape[-1])
    return None


def checks(graph: Graph, entry: Entry) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Calls of ``status.h`` whose first answer that is not EK_OK counts: a form of the call, and the tensors in it.

    ``{0}`` stands for the place of the first tensor.
    """
    label = label_of(graph, entry)
    if label is not None:
        yield f"ek_label_status({{0}}, {label.classes})", (label.tensor,)
    pasts = {state.input for state in graph.states}
    for node in graph.nodes_of(entry):
        seen = _seen(node)
        if seen not in pasts:
            continue
        bytes_, classes = graph.tensors[seen].dtype.bits // 8, graph.tensors[seen].elements
        if isinstance(node.op, Hamming):
            yield f"ek_classes_status({bytes_}, {{0}}, {classes})", (seen,)
        elif label is not None and len(graph.tensors[seen].shape) == 1 and node.inputs[-1] == label.tensor:
            yield f"ek_class_status({bytes_}, {{0}}, {{1}})", (seen, label.tensor)


def _seen(node: Node) -> str:
    """The count of samples per class that a node asks or erases; the empty string where it does neither."""
    if isinstance(node.op, Hamming) and node.op.counted:
        return node.inputs[-1]
    return node.inputs[0] if isinstance(node.op, Erase) else ""
