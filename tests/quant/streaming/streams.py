"""What a stream has to give, computed the slow way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quant.graph import Graph, GraphBuilder
from quant.ops import Conv, Dense, Reshape, Slice
from quant.reference import run
from quant.requant import Requant
from tests.quant.strategies import add, average_pool, conv, graphs, max_pool, requantize, slicing, table

# What goes along time, convolutions most of all, on windows that are long enough to have an inside.
ALONG_TIME = graphs(steps=(conv, conv, conv, add, average_pool, max_pool, table, requantize, slicing), least=20, most=6)


def hops_of(graph: Graph, hop: int, count: int, seed: int = 0) -> NDArray[np.int8]:
    """A recording cut into hops: (count, ..., hop), random with extremes."""
    entry, rng = graph.inputs[0], np.random.default_rng(seed)
    hops = rng.integers(-128, 128, (count, *entry.shape[:-1], hop))
    hops[count // 2] = rng.choice([-128, 127, entry.zero_point], hops[0].shape)
    return hops.astype(np.int8)


def joined(hops: NDArray) -> NDArray:
    """The recording, (..., samples)."""
    return np.concatenate(list(hops), axis=-1)


def windows(graph: Graph, hops: NDArray) -> dict[str, NDArray]:
    """All outputs of the whole window behind every hop; zero points precede the recording."""
    entry, hop = graph.inputs[0], hops.shape[-1]
    samples = np.pad(
        joined(hops), [(0, 0)] * (len(entry.shape) - 1) + [(entry.shape[-1], 0)], constant_values=entry.zero_point
    )
    ends = [entry.shape[-1] + hop * (number + 1) for number in range(len(hops))]
    values = run(graph, {entry.name: np.stack([samples[..., end - entry.shape[-1] : end] for end in ends])})
    return {tensor.name: values[tensor.name] for tensor in graph.outputs}


def looking_back(length: int, pads: int | None = None, seed: int = 3) -> Graph:
    """Three dilated convolutions that look only back, the last step, a dense layer: (2, length) -> (3,).

    Args:
        pads: before each convolution, instead of as many as keep the length.
    """
    rng = np.random.default_rng(seed)
    b = GraphBuilder("looking-back")
    y, channels = b.input("x", (2, length), zero_point=-7, scale=0.1), 2
    for dilation in (1, 2, 4):
        requant = Requant.from_real(rng.uniform(2e-3, 4e-3, 4), zero_point=5, lo=-128, hi=127)
        before = 2 * dilation if pads is None else pads
        weight = rng.integers(-127, 128, (4, channels, 3))
        y = b.add(
            f"conv{dilation}", Conv(weight, rng.integers(-999, 999, 4), requant, (1,), (dilation,), (before, 0)), y
        )
        channels = 4
    y = b.add("last", Slice(((0, 4, 1), (-1, 1 << 31, 1))), y)
    y = b.add("flat", Reshape((4,)), y)
    requant = Requant.from_real(np.full(3, 3e-3), zero_point=0, lo=-128, hi=127)
    b.output(b.add("scores", Dense(rng.integers(-127, 128, (3, 4)), rng.integers(-999, 999, 3), requant), y))
    return b.build()


def strided(length: int, stride: int, taps: int = 3) -> Graph:
    """One convolution, (1, length) -> (3, ...)."""
    b = GraphBuilder("strided")
    requant = Requant.from_real(np.full(3, 5e-3), zero_point=0, lo=-128, hi=127)
    conv = Conv(np.full((3, 1, taps), 100), np.zeros(3, np.int64), requant, (stride,), (1,), (0, 0))
    b.output(b.add("conv", conv, b.input("x", (1, length), scale=0.1), scale=0.1))
    return b.build()
