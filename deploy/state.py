"""States: tensors that keep their place in memory from one call of the model to the next.

What a call leaves behind is written where the call before left it, by a layer that nobody runs behind who still reads
the old value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from deploy.group import spatial
from deploy.kernels.movement import positions, taken
from deploy.layers import Layer, Lowered
from quant.errors import Problem, UserError
from quant.graph import State
from quant.ops import Concat, Slice


def moves(layer: Layer) -> bool:
    """Whether it only moves data: what a stream's states are written by."""
    return isinstance(layer.node.op, Concat | Slice)


def whole(layer: Layer) -> bool:
    """Whether it never runs in tiles between those of others, so that it is done before the next layer reads."""
    return not spatial(layer)


def carried(low: Lowered, able: Callable[[Layer], bool] = moves) -> dict[str, str]:
    """By the tensor that a state is written as, the one that it is read as.

    Args:
        able: layers that may write a state.

    Raises:
        UserError: a state would be overwritten while an entry still reads it, or by one that leaves it alone.
    """
    writers = {layer.node.output: layer for layer in low.layers if able(layer)}
    problems = [
        problem
        for state in low.graph.states
        for output in state.outputs
        for problem in _faults(low, state.input, output, writers.get(output))
    ]
    if problems:
        raise UserError(problems)
    return {output: state.input for state in low.graph.states for output in state.outputs}


def _faults(low: Lowered, past: str, output: str, writer: Layer | None) -> Iterator[Problem]:
    where, fix = f"state '{past}'", "stream a window model with --streaming, which writes states like this"
    if writer is None:
        yield Problem("it is not written by a layer that can", where, "a concat or slice, on one core others", fix)
        return
    for entry in low.graph.entries:
        layers = low.layers_of(entry)
        if writer not in layers:
            continue
        if output not in low.graph.updates(entry).values():
            what = f"entry '{entry.name}' computes '{output}' without writing it"
            yield Problem(what, where, "entries that write what they compute", f"add '{output}' to its updates")
        readers = [ly for ly in layers if past in {low.storage[name] for name in ly.node.inputs}]
        if any(ly.index > writer.index or (ly is writer and not _replaces(low, ly, past)) for ly in readers):
            what = f"'{output}' is not written behind all layers that read it"
            yield Problem(what, where, "a last reader that can write in its place", fix)


def _replaces(low: Lowered, layer: Layer, past: str) -> bool:
    """Whether a layer that reads the old value may write the new one over it."""
    reads = [low.storage[name] for name in layer.node.inputs]
    if reads.count(past) != 1:
        return False
    return reads.index(past) in layer.kernel.inplace(layer.site) or _shifts(low, layer, past)


def _shifts(low: Lowered, layer: Layer, past: str) -> bool:
    """Whether a concat that reads the old value may write the new one over it.

    It may where that is its first input: copied first, from lower to higher addresses, and only to lower ones.
    """
    site = layer.site
    if not isinstance(layer.node.op, Concat) or low.storage[layer.node.inputs[0]] != past:
        return False
    source, axis = taken(site), layer.node.op.axis
    target = positions(site.out_layout, site.output.shape).take(range(source.shape[axis]), axis)
    ascending = source.ravel()[np.argsort(target.ravel())]
    return bool(np.all(target <= source) and np.all(np.diff(ascending) > 0))


def in_place(low: Lowered) -> dict[str, str]:
    """``low.storage`` with every state written where it is read; raises as :func:`carried`."""
    hosts = carried(low, whole)
    return {name: hosts.get(base, base) for name, base in low.storage.items()}


def patterns(low: Lowered) -> list[NDArray[np.int8]]:
    """Initial values of the states as bytes in storage order; where they repeat, once: one byte, or all channels."""
    return [_pattern(low, state) for state in low.graph.states]


def _pattern(low: Lowered, state: State) -> NDArray[np.int8]:
    tensor = low.graph.tensors[state.input]
    values = np.frombuffer(low.layouts[state.input].image(state.initial, tensor.dtype), np.int8)
    for period in (1, tensor.dtype.nbytes(tensor.shape[:1])):
        if np.array_equal(values, np.resize(values[:period], len(values))):
            return values[:period]
    return values
