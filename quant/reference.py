"""The NumPy reference: what a graph means, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from quant.errors import Problem, UserError
from quant.graph import Graph


def run(graph: Graph, inputs: Mapping[str, NDArray], entry: str | None = None) -> dict[str, NDArray]:
    """Evaluate every tensor of ``graph``.

    Args:
        inputs: per input tensor (state inputs included) an integer array ``(N, *shape)``.
        entry: only what this entry computes.

    Returns:
        Every tensor by name, ``(N, *shape)`` in its own NumPy type.

    Raises:
        UserError: a missing input, a wrong shape, or values outside the tensor's type.
    """
    values: dict[str, NDArray[np.int64]] = {}
    batches = {len(array) for array in inputs.values() if array.ndim}
    if len(batches) > 1:
        raise UserError(Problem(f"inputs have batches of {sorted(batches)}", "inputs", "one batch size"))
    for name, array in inputs.items():
        values[name] = _checked(graph, name, array)
    for node in graph.nodes if entry is None else graph.nodes_of(graph.entry(entry)):
        missing = [name for name in node.inputs if name not in values]
        if missing:
            raise UserError(Problem(f"no value given for input '{missing[0]}'", f"node '{node.name}'"))
        tensors = graph.inputs_of(node)
        values[node.output] = node.op.evaluate([values[name] for name in node.inputs], tensors)
    return {name: value.astype(graph.tensors[name].dtype.numpy) for name, value in values.items()}


def _checked(graph: Graph, name: str, array: NDArray) -> NDArray[np.int64]:
    """``array`` as int64, if it fits the tensor ``name``."""
    tensor, where = graph.tensors.get(name), f"input '{name}'"
    if tensor is None:
        raise UserError(Problem("the graph has no such tensor", where, ", ".join(t.name for t in graph.inputs)))
    if array.dtype.kind not in "iub":
        fix = "quantize the values with the input's scale and zero point"
        raise UserError(Problem(f"element type {array.dtype} is not an integer", where, tensor.dtype.value, fix))
    if array.shape[1:] != tensor.shape or not array.ndim:
        expected = f"(N, {', '.join(map(str, tensor.shape))})"
        raise UserError(Problem(f"shape {array.shape} does not fit", where, expected, "put the batch first"))
    if array.size and not tensor.dtype.low <= array.min() <= array.max() <= tensor.dtype.high:
        what = f"values {array.min()}..{array.max()} are outside {tensor.dtype.value}"
        raise UserError(Problem(what, where, f"{tensor.dtype.low}..{tensor.dtype.high}"))
    return array.astype(np.int64)


def initial_states(graph: Graph) -> dict[str, NDArray]:
    """States ``(*shape)`` by input tensor, as they are before the first call."""
    return {state.input: state.initial for state in graph.states}


def run_sequence(
    graph: Graph,
    inputs: Mapping[str, NDArray],
    states: Mapping[str, NDArray] | None = None,
    entry: str | None = None,
) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """Evaluate one input after the other, handing the states on.

    Args:
        inputs: per input tensor without states an integer array ``(N, *shape)``.
        states: by input tensor ``(*shape)``; their initial values by default.
        entry: which one is called; the first one by default.

    Returns:
        Every tensor that the entry computes by name, ``(N, *shape)``, and the states behind the last input.

    Raises:
        UserError: as :func:`run`.
    """
    chosen = graph.entries[0] if entry is None else graph.entry(entry)
    updates, held = graph.updates(chosen), initial_states(graph) if states is None else dict(states)
    rows = []
    for index in range(len(next(iter(inputs.values())))):
        given = {name: array[index : index + 1] for name, array in inputs.items()}
        rows.append(run(graph, given | {name: value[None] for name, value in held.items()}, chosen.name))
        held |= {past: rows[-1][after][0] for past, after in updates.items()}
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}, held
