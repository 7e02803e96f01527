"""The NumPy reference: what a graph means, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from quant.errors import Problem, UserError
from quant.graph import Graph


def run(graph: Graph, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Evaluate every tensor of ``graph``.

    Args:
        inputs: per input tensor (state inputs included) an integer array ``(N, *shape)``.

    Returns:
        Every tensor by name, ``(N, *shape)`` in its own NumPy type.

    Raises:
        UserError: a missing input, a wrong shape, or values outside the tensor's type.
    """
    values: dict[str, NDArray[np.int64]] = {}
    for name, array in inputs.items():
        tensor = graph.tensors[name]
        if array.shape[1:] != tensor.shape:
            raise UserError(Problem(f"shape {array.shape[1:]} does not fit", f"input '{name}'", f"(N, {tensor.shape})"))
        if array.min(initial=0) < tensor.dtype.low or array.max(initial=0) > tensor.dtype.high:
            raise UserError(Problem(f"values are outside {tensor.dtype.value}", f"input '{name}'"))
        values[name] = array.astype(np.int64)
    for node in graph.nodes:
        missing = [name for name in node.inputs if name not in values]
        if missing:
            raise UserError(Problem(f"no value given for input '{missing[0]}'", f"node '{node.name}'"))
        tensors = graph.inputs_of(node)
        values[node.output] = node.op.evaluate([values[name] for name in node.inputs], tensors)
    return {name: value.astype(graph.tensors[name].dtype.numpy) for name, value in values.items()}
