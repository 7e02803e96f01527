"""One graph with every operator, the same on every run."""

from __future__ import annotations

from typing import Any

import numpy as np

from quant.dtypes import DType
from quant.graph import GraphBuilder
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
    Transpose,
)
from quant.requant import Requant


def every_operator(spatial: int) -> GraphBuilder:
    """All operators over one or two spatial axes: odd channels, stride, dilation, groups, asymmetric padding, s16."""
    rng = np.random.default_rng(spatial)
    b = GraphBuilder(f"every-operator-{spatial}d", {"classes": ["a", "b", "c", "d", "e"]})

    def each(*pair: Any) -> Any:
        """One value per spatial axis, or pads: the first half, then the second."""
        return tuple(v for v in pair for _ in range(spatial))

    def requant(channels: int | None, magnitude: float, zero_point: int = -128, dtype: DType = DType.S8) -> Requant:
        factors = rng.uniform(0.5, 2.0, () if channels is None else channels) * dtype.high / magnitude
        return Requant.from_real(factors, zero_point=zero_point, lo=dtype.low, hi=dtype.high, dtype=dtype)

    def conv(out: int, inputs: int, kernel: int, **how: Any) -> Conv:
        weight = rng.integers(-127, 128, (out, inputs, *each(kernel)))
        factors = requant(out, 9000 * np.sqrt(weight[0].size), how.pop("zero_point", -128))
        settings = {"strides": each(1), "dilations": each(1), "pads": each(0, 0), "groups": 1} | how
        return Conv(weight, rng.integers(-5000, 5000, out), factors, **settings)

    x = b.input("x", (3, *((20,) if spatial == 1 else (9, 8))), zero_point=-128, scale=0.0078125)
    stem = b.add("stem", conv(6, 3, 3, dilations=each(2), pads=each(4, 0)), x, scale=0.1)
    depthwise = b.add("depthwise", conv(12, 1, 3, strides=each(2), pads=each(1, 1), groups=6), stem, scale=0.125)
    shortcut = b.add("shortcut", conv(12, 6, 1, strides=each(2), zero_point=3), stem, scale=0.25)
    total = b.add("add", Add.from_scales((0.125, -128), (0.25, 3), (0.3, -5)), depthwise, shortcut, scale=0.3)
    mean = AveragePool.from_scales(each(3), each(2), each(1, 1), 1.3, zero_point=-7)
    mean_out = b.add("mean", mean, total, scale=0.23)
    largest = b.add("largest", MaxPool(each(2), each(1), each(1, 0)), mean_out)
    table = b.add("table", Table(rng.permutation(np.arange(-128, 128)), 5), largest, scale=0.4)
    copy = b.add("copy", Slice(((0, 12, 1), *each((0, 2**62, 2)))), table)
    padded = b.add("pad", Pad((0, *each(1), 0, *each(2))), copy)
    size = {1: 6, 2: 5}[spatial]
    cut = b.add("cut", Slice(((1, 12, 3), *each((0, size - 1, 1)))), padded)
    joined = b.add("concat", Concat(0), cut, cut)
    wide = b.add("widen", Requantize(requant(None, 100, 0, DType.S16)), joined, scale=0.002)
    turned = b.add("turn", Transpose(tuple(range(spatial + 1))[::-1]), wide)
    narrow = b.add("narrow", Requantize(requant(None, 30_000, 0)), turned, scale=0.5)
    flat = b.add("flat", Reshape((-1,)), narrow)
    count = 8 * (size - 1) ** spatial
    weight = rng.integers(-127, 128, (5, count))
    scores = b.add(
        "scores", Dense(weight, rng.integers(-99, 99, 5), requant(5, 9000 * np.sqrt(count))), flat, scale=0.1
    )
    b.output(b.add("class", ArgMax(0), scores))
    b.output(scores)
    return b
