"""Graphs that several tests build."""

from __future__ import annotations

from typing import Any

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import (
    Add,
    ArgMax,
    AveragePool,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Pad,
    Requantize,
    Reshape,
    Slice,
    Table,
)
from quant.requant import Requant


def requant(random: np.random.Generator, channels: int | None, zero_point: int, **kind: Any) -> Requant:
    """Random factors that keep most outputs inside the range."""
    real = random.uniform(1e-3, 4e-3, channels) if channels else 0.7
    return Requant.from_real(real, zero_point=zero_point, lo=-128, hi=127, **kind)


def every_operator(seed: int = 0) -> Graph:
    """One graph with every operator, odd channel counts, padding and dilation; ends in an s32 index and s8 logits."""
    random = np.random.default_rng(seed)

    def ints(*shape: int) -> np.ndarray:
        return random.integers(-127, 128, shape)

    b = GraphBuilder("every-operator")
    x = b.input("x", (3, 20), zero_point=-128, scale=0.02)
    conv = Conv(ints(6, 3, 5), ints(6) * 100, requant(random, 6, -128), (1,), (2,), (8, 0))
    y = b.add("conv", conv, x, scale=0.1)
    depthwise = Conv(ints(6, 1, 3), ints(6), requant(random, 6, -128), (2,), (1,), (1, 1), 6)
    down = b.add("depthwise", depthwise, y, scale=0.1)
    grouped = Conv(ints(6, 2, 1), ints(6), requant(random, 6, 3), (2,), (1,), (0, 0), 3)
    side = b.add("grouped", grouped, y, scale=0.2)
    y = b.add("add", Add.from_scales((0.1, -128), (0.2, 3), (0.3, -5)), down, side, scale=0.3)
    y = b.add("average", AveragePool.from_scales((3,), (1,), (1, 1), 1.3, zero_point=-7), y, scale=0.2)
    y = b.add("max", MaxPool((2,), (1,), (1, 0)), y)
    y = b.add("table", Table(random.permutation(np.arange(-128, 128)), 5), y, scale=0.4)
    part = b.add("slice", Slice(((1, 6, 2), (0, 10, 3))), y)
    padded = b.add("pad", Pad((1, 1, 2, 5)), part)
    y = b.add("concat", Concat(1), padded, y)
    wide = Requant.from_real(70.3, zero_point=0, lo=-32768, hi=32767, dtype=DType.S16)
    y = b.add("widen", Requantize(wide), y, scale=0.01)
    y = b.add("narrow", Requantize(Requant.from_real(0.013, zero_point=2, lo=-128, hi=127)), y, scale=0.5)
    y = b.add("flatten", Reshape((-1,)), y)
    size = 6 * 20
    y = b.add("dense", Dense(ints(5, size), ints(5), requant(random, 5, 0)), y, scale=0.1)
    b.output(y)
    b.output(b.add("argmax", ArgMax(0), y))
    return b.build()


def two_dimensional(seed: int = 0) -> Graph:
    """Convolutions and pools over images, with a shortcut; logical order at both borders."""
    random = np.random.default_rng(seed)

    def ints(*shape: int) -> np.ndarray:
        return random.integers(-127, 128, shape)

    b = GraphBuilder("two-dimensional")
    x = b.input("x", (3, 9, 8), zero_point=4, scale=0.02)
    y = b.add("conv", Conv(ints(5, 3, 3, 3), ints(5), requant(random, 5, -128), (1, 1), (1, 1), (1,) * 4), x, scale=0.1)
    z = b.add(
        "wide", Conv(ints(5, 5, 3, 1), ints(5), requant(random, 5, 1), (1, 1), (2, 1), (4, 0, 0, 0)), y, scale=0.1
    )
    y = b.add("add", Add.from_scales((0.1, -128), (0.1, 1), (0.15, 0)), y, z, scale=0.15)
    y = b.add("max", MaxPool((2, 2), (2, 2), (0, 0, 0, 0)), y)
    y = b.add(
        "depthwise", Conv(ints(10, 1, 2, 3), ints(10), requant(random, 10, 0), (1, 2), (1, 1), (1, 1, 0, 1), 5), y
    )
    b.output(b.add("average", AveragePool.from_scales((2, 1), (1, 1), (0, 0, 0, 0), 1.1, zero_point=0), y, scale=0.1))
    return b.build()


def pointwise(channels: int, length: int) -> Graph:
    """One convolution whose arena, with the runtime's buffers, takes 4 x channels x length bytes and a little more."""
    random = np.random.default_rng(0)
    weights = random.integers(-127, 128, (channels, 1, 1))
    factors = Requant.from_real(0.01, zero_point=0, lo=-128, hi=127)
    b = GraphBuilder("pointwise")
    conv = Conv(weights, np.zeros(channels, np.int64), factors, (1,), (1,), (0, 0))
    b.output(b.add("fc", conv, b.input("x", (1, length))))
    return b.build()


def inputs_for(graph: Graph, count: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Random inputs over the full range of their type, corners included."""
    random = np.random.default_rng(seed)
    rows = {}
    for tensor in graph.inputs:
        low, high = tensor.dtype.low, tensor.dtype.high
        values = random.integers(low, high, (count, *tensor.shape), endpoint=True)
        values[0], values[-1] = low, high
        rows[tensor.name] = values
    return rows
