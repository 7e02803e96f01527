"""The integer graph: an int8 network without its last layer, a projection to bits, a class memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Problem, UserError
from quant.graph import Graph, GraphBuilder
from quant.hd.memory import ClassMemory
from quant.hd.seeds import stream
from quant.ops import ArgMin, Binarize, Dense, Hamming, Project, Requantize
from quant.reference import run
from quant.requant import Requant

NAME = "mann-eegnet"
KEYS, DISTANCES, LABEL = "bits", "distances", "label"
BATCH = 32  # trials that the reference evaluates together
NOTED = ("macs", "weights", "parameters", "order")  # facts of the network with its last layer


@dataclass(frozen=True, eq=False)
class LearnedProjection:
    """bits = [weight h + bias >= 0] of h = stored - zero point.

    Attributes:
        weight: int64 (D, n), -127..127.
        bias: int64 (D,).
    """

    weight: NDArray[np.int64]
    bias: NDArray[np.int64]

    def sign_kept(self) -> Requant:
        """To int16 by a shift alone, which rounds down: a sum is negative exactly where the result is."""
        bound = int((255 * np.abs(self.weight).sum(axis=1) + np.abs(self.bias)).max())
        shift = max(1, bound.bit_length() - 15)
        return _to_int16(1 << max(0, 33 - shift), max(33, shift), 0)


def _to_int16(m: int, s: int, a: int) -> Requant:
    return Requant.of(m, s, a=a, zero_point=0, lo=DType.S16.low, hi=DType.S16.high, dtype=DType.S16)


@dataclass(frozen=True)
class RandomProjection:
    """A matrix of +1 and -1 from a seed, D rows."""

    dimension: int
    seed: int


Projection = RandomProjection | LearnedProjection


def features_tensor(graph: Graph) -> str:
    """What the last layer reads.

    Raises:
        UserError: the graph does not end with a dense layer.
    """
    last = graph.nodes[-1]
    if not isinstance(last.op, Dense):
        what, where = f"its last layer is {last.op.kind}", f"model '{graph.name}'"
        raise UserError(Problem(what, where, "networks that end with a dense layer", "choose EEGNet"))
    return last.inputs[0]


def values(graph: Graph, tensor: str, inputs: NDArray) -> NDArray[np.int64]:
    """A tensor of the graph for inputs (N, *shape), by the reference."""
    name = graph.inputs[0].name
    parts = [run(graph, {name: inputs[i : i + BATCH]})[tensor] for i in range(0, len(inputs), BATCH)]
    return np.concatenate(parts).astype(np.int64)


def with_keys(graph: Graph, projection: Projection, info: Mapping[str, Any] | None = None) -> GraphBuilder:
    """The network up to bits, called :data:`KEYS`, which are not yet an output."""
    flat = features_tensor(graph)
    kept = {key: value for key, value in graph.info.items() if key not in NOTED}
    builder = GraphBuilder(NAME, {**kept, "model": NAME, **(info or {})})
    for x in graph.inputs:
        builder.input(x.name, x.shape, x.dtype, x.zero_point, x.scale)
    for node in graph.nodes[:-1]:
        builder.add(node.name, node.op, *node.inputs, output=node.output, scale=graph.tensors[node.output].scale)
    if isinstance(projection, LearnedProjection):
        sums = builder.add("projection", Dense(projection.weight, projection.bias, projection.sign_kept()), flat)
        builder.add(KEYS, Binarize(np.array(0)), sums)
        return builder
    unchanged = _to_int16(1 << 30, 30, 1 << 29)
    wide = builder.add("features", Requantize(unchanged), flat, scale=graph.tensors[flat].scale)
    seed = stream(projection.seed, "projection")
    count = graph.tensors[flat].shape[0]
    builder.add(KEYS, Project.sparse(projection.dimension, seed, 1.0, count), wide)
    return builder


def keys_of(graph: Graph, projection: Projection, inputs: NDArray) -> NDArray[np.bool_]:
    """Bits (N, D) of the inputs."""
    builder = with_keys(graph, projection)
    builder.output(KEYS)
    return values(builder.build(), KEYS, inputs).astype(bool)


def with_memory(
    graph: Graph, projection: Projection, memory: ClassMemory, info: Mapping[str, Any] | None = None
) -> Graph:
    """From the network's input to distances s32 (classes,) and the nearest class (1,)."""
    builder = with_keys(graph, projection, info)
    distances = builder.add(DISTANCES, Hamming(memory.rows.T), KEYS)
    builder.output(distances)
    builder.output(builder.add(LABEL, ArgMin(0), distances))
    return builder.build()
