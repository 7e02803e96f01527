"""States: tensors that keep their place in memory from one call of the model to the next.

What a call leaves behind is written where the call before left it, by a layer that nobody runs behind who still reads
the old value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.movement import positions, taken
from deploy.layers import Layer, Lowered
from quant.errors import Problem, UserError
from quant.graph import State
from quant.ops import Concat, Slice


def carried(low: Lowered) -> dict[str, str]:
    """By the tensor that a state is written as, the one that it is read as.

    Raises:
        UserError: a state would be overwritten while it is still read.
    """
    writers = {layer.node.output: layer for layer in low.layers if isinstance(layer.node.op, Concat | Slice)}
    problems = []
    for state in low.graph.states:
        writer = writers.get(state.output)
        readers = [ly for ly in low.layers if state.input in {low.storage[name] for name in ly.node.inputs}]
        late = [
            ly
            for ly in readers
            if writer and (ly.index > writer.index or (ly is writer and not _shifts(low, ly, state.input)))
        ]
        if writer is None or late:
            what = "it is not written by a concat or slice behind all layers that read it"
            fix = "stream a window model with --streaming, which writes states like this"
            problems.append(Problem(what, f"state '{state.input}'", "states of a stream", fix))
    if problems:
        raise UserError(problems)
    return {state.output: state.input for state in low.graph.states}


def _shifts(low: Lowered, layer: Layer, past: str) -> bool:
    """Whether a concat that reads the old value may write the new one over it.

    It may where that is its first input: copied first, from lower to higher addresses, and only to lower ones.
    """
    site, reads = layer.site, [low.storage[name] for name in layer.node.inputs]
    if not isinstance(layer.node.op, Concat) or reads[0] != past or past in reads[1:]:
        return False
    source, axis = taken(site), layer.node.op.axis
    target = positions(site.out_layout, site.output.shape).take(range(source.shape[axis]), axis)
    ascending = source.ravel()[np.argsort(target.ravel())]
    return bool(np.all(target <= source) and np.all(np.diff(ascending) > 0))


def in_place(low: Lowered) -> dict[str, str]:
    """``low.storage`` with every state written where it is read; raises as :func:`carried`."""
    hosts = carried(low)
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
