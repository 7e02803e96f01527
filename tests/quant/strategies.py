"""Hypothesis strategies for integer graphs: random operators, geometry, factors and inputs.

``graphs()`` draws graphs of at least four nodes over every operator, 1-D and 2-D, with odd channel counts, strides,
dilations, groups and asymmetric padding that may exceed the input. ``cones()`` draws graphs that need only parts of
their tensors. ``inputs_of`` makes inputs with extreme values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder, Tensor
from quant.ops import (
    Add,
    ArgMax,
    AveragePool,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Op,
    Pad,
    Requantize,
    Reshape,
    Slice,
    Table,
    Transpose,
)
from quant.requant import Requant

SMALL = 6_000  # elements of one tensor, so that examples stay fast


@dataclass
class Sketch:
    """A graph while it is drawn: ``draw`` decides the structure, ``rng`` the values."""

    draw: Callable[[st.SearchStrategy], Any]
    rng: np.random.Generator
    builder: GraphBuilder
    tensors: list[Tensor] = field(default_factory=list)

    def pick(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def source(self, ranks: tuple[int, ...] = (1, 2, 3), dtypes: tuple[DType, ...] = (DType.S8,)) -> Tensor:
        """A tensor to go on from, late ones preferred; made by reshaping where no fitting one exists."""
        fitting = [t for t in self.tensors if len(t.shape) in ranks and t.dtype in dtypes]
        if fitting:
            return fitting[-1 - min(self.pick(0, 2), len(fitting) - 1)]
        x = self.source(dtypes=dtypes)
        return self.add("reshape", Reshape((-1,) if 1 in ranks else (1, -1)), x)

    def add(self, kind: str, op: Op, *inputs: Tensor) -> Tensor:
        shape, dtype, zero_point = op.infer(*inputs)
        scale = inputs[0].scale if op.keeps_scale else None if dtype is DType.S32 else float(self.rng.uniform(0.01, 1))
        tensor = Tensor(f"{kind}{len(self.tensors)}", shape, dtype, zero_point, scale)
        self.tensors.append(tensor)
        self.builder.add(tensor.name, op, *(x.name for x in inputs), scale=scale)
        return tensor

    def requant(self, channels: int | None, magnitude: float, dtype: DType = DType.S8) -> Requant:
        """Factors that bring accumulators of about ``magnitude`` to the output's range, sometimes far beyond it.

        Ordinary mantissas on both shift paths, powers of two, small multipliers with any ``a``, truncation.
        """
        half = dtype.high // 2
        z = self.draw(st.sampled_from([dtype.low, 0, dtype.high, self.pick(dtype.low, dtype.high)]))
        lo, hi = (dtype.low, dtype.high) if self.chance() else sorted(self.pick(dtype.low, dtype.high) for _ in "12")
        shape = () if channels is None else (channels,)
        real = np.minimum(half / magnitude * np.exp(self.rng.normal(0, 1, shape)), 1000.0)
        style = self.draw(st.sampled_from(["real", "real", "power of two", "truncating", "small"]))
        if style == "real":
            return Requant.from_real(real, zero_point=z, lo=lo, hi=hi, dtype=dtype)
        if style == "power of two":
            return Requant.from_real(2.0 ** np.round(np.log2(real)), zero_point=z, lo=lo, hi=hi, dtype=dtype)
        if style == "truncating":
            exact = Requant.from_real(real, zero_point=z, lo=lo, hi=hi, dtype=dtype)
            return Requant.of(exact.m, exact.s, a=0, zero_point=z, lo=lo, hi=hi, dtype=dtype)
        s = self.pick(1, 19)
        m = np.maximum(np.round(np.minimum(real, 1.0) * 2.0**s), 1).astype(np.int64) * self.draw(
            st.sampled_from([1, -1])
        )
        a = self.rng.integers(-(1 << 40), 1 << 40, shape) >> self.pick(0, 40)
        return Requant.of(m, s, a=a, zero_point=z, lo=lo, hi=hi, dtype=dtype)

    def output_type(self) -> DType:
        return DType.S16 if self.pick(0, 9) == 9 else DType.S8

    def weights(self, *shape: int) -> NDArray[np.int64]:
        return self.rng.choice([-127, 127], shape) if self.pick(0, 5) == 5 else self.rng.integers(-127, 128, shape)

    def window(self, x: Tensor, kernel: int, pads: int) -> dict[str, tuple[int, ...]]:
        """Kernel, strides and pads that fit ``x``; padding up to ``pads`` plus the kernel."""
        rank = len(x.shape) - 1
        kernels = tuple(self.pick(1, min(kernel, n)) for n in x.shape[1:])
        strides = tuple(self.pick(1, 3) for _ in range(rank))
        return {"kernel": kernels, "strides": strides, "pads": tuple(self.pick(0, pads) for _ in range(2 * rank))}


def conv(g: Sketch) -> None:
    x = g.source(ranks=(2, 3))
    channels, rank = x.shape[0], len(x.shape) - 1
    groups = g.draw(st.sampled_from([1, 1, channels, *(d for d in range(2, channels) if channels % d == 0)]))
    out = groups * g.pick(1, 3) if groups > 1 else g.pick(1, 9)
    kernel = tuple(g.pick(1, 4) for _ in range(rank))
    dilations = tuple(g.pick(1, 3) for _ in range(rank))
    spans = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
    pads = [g.pick(0, 3 if g.chance() else span + n + 1) for span, n in zip(spans * 2, x.shape[1:] * 2, strict=True)]
    for i, (span, n) in enumerate(zip(spans, x.shape[1:], strict=True)):
        pads[i] += max(0, span + 1 - n - pads[i] - pads[rank + i])
    size = prod((n + pads[i] + pads[rank + i] for i, n in enumerate(x.shape[1:])), start=out)
    weight, dtype = g.weights(out, channels // groups, *kernel), g.output_type()
    bias = g.rng.integers(-(1 << 14), 1 << 14, out)
    requant = g.requant(out if g.chance() else None, 5000.0 * np.sqrt(weight[0].size), dtype)
    strides = tuple(g.pick(1 if size < SMALL else 3, 3) for _ in range(rank))
    g.add("conv", Conv(weight, bias, requant, strides, dilations, tuple(pads), groups), x)


def dense(g: Sketch) -> None:
    x = g.source(ranks=(1,))
    weight = g.weights(g.pick(1, 9), x.shape[0])
    requant = g.requant(len(weight) if g.chance() else None, 5000.0 * np.sqrt(x.shape[0]), g.output_type())
    g.add("dense", Dense(weight, g.rng.integers(-(1 << 14), 1 << 14, len(weight)), requant), x)


def add(g: Sketch) -> None:
    x = g.source()
    y = g.draw(st.sampled_from([t for t in g.tensors if t.shape == x.shape and t.dtype is DType.S8]))
    scales = np.exp(g.rng.normal(0, 1, 3))
    z, lo, hi = g.pick(-128, 127), *sorted(g.pick(-128, 127) for _ in "12")
    if g.chance():
        lo, hi = -128, 127
    first, second = (scales[0], x.zero_point), (scales[1], y.zero_point)
    g.add("add", Add.from_scales(first, second, (scales[2], z), lo, hi), x, y)


def average_pool(g: Sketch) -> None:
    x = g.source(ranks=(2, 3))
    whole = g.pick(0, 3) == 0
    window = g.window(x, 4, 0)
    kernel = x.shape[1:] if whole else window["kernel"]
    pads = tuple(g.pick(0, k - 1) for k in kernel * 2)
    requant = g.requant(None, 100.0 * prod(kernel))
    g.add("average_pool", AveragePool(kernel, window["strides"], pads, requant), x)


def max_pool(g: Sketch) -> None:
    x = g.source(ranks=(2, 3))
    window = g.window(x, 4, 0)
    g.add(
        "max_pool",
        MaxPool(window["kernel"], window["strides"], tuple(g.pick(0, k - 1) for k in window["kernel"] * 2)),
        x,
    )


def table(g: Sketch) -> None:
    g.add("table", Table(g.rng.integers(-128, 128, 256), g.pick(-128, 127)), g.source())


def requantize(g: Sketch) -> None:
    x = g.source(dtypes=(DType.S8, DType.S16, DType.S32))
    magnitude = {DType.S8: 100.0, DType.S16: 10_000.0, DType.S32: 100.0}[x.dtype]
    g.add("requantize", Requantize(g.requant(None, magnitude, g.output_type())), x)


def reshape(g: Sketch) -> None:
    x = g.source(dtypes=(DType.S8, DType.S16, DType.S32))
    first = g.draw(st.sampled_from([d for d in range(1, min(x.elements, 9) + 1) if x.elements % d == 0]))
    shapes: list[tuple[int, ...]] = [(-1,), (first, -1), (first, 1, -1), (first, x.elements // first)]
    g.add("reshape", Reshape(g.draw(st.sampled_from(shapes))), x)


def concat(g: Sketch) -> None:
    x = g.source()
    axis = g.pick(0, len(x.shape) - 1)
    same = [t for t in g.tensors if (t.zero_point, t.scale, t.dtype) == (x.zero_point, x.scale, x.dtype)]
    rest = [t for t in same if t.shape[:axis] + t.shape[axis + 1 :] == x.shape[:axis] + x.shape[axis + 1 :]]
    parts = [t for t in rest if len(t.shape) == len(x.shape)]
    g.add("concat", Concat(axis), x, *(g.draw(st.sampled_from(parts)) for _ in range(g.pick(0, 2))))


def slicing(g: Sketch) -> None:
    x = g.source(dtypes=(DType.S8, DType.S16, DType.S32))
    ranges = []
    for n in x.shape:
        start = g.pick(0, n - 1)
        stop = g.draw(st.sampled_from([g.pick(start + 1, n), (1 << 63) - 1, n + 5]))
        ranges.append((start - n if g.chance() else start, stop, g.pick(1, 3)))
    g.add("slice", Slice(tuple(ranges)), x)


def transpose(g: Sketch) -> None:
    x = g.source(dtypes=(DType.S8, DType.S16, DType.S32))
    g.add("transpose", Transpose(tuple(g.draw(st.permutations(range(len(x.shape)))))), x)


def pad(g: Sketch) -> None:
    x = g.source()
    if x.elements < SMALL // 8:
        g.add("pad", Pad(tuple(g.pick(0, 2) for _ in range(2 * len(x.shape)))), x)


def argmax(g: Sketch) -> None:
    x = g.source()
    g.add("argmax", ArgMax(g.pick(0, len(x.shape) - 1)), x)


SPATIAL_STEPS = (conv, conv, conv, add, average_pool, max_pool, table, requantize, reshape, concat, slicing, pad)
STEPS = (*SPATIAL_STEPS, dense, transpose, argmax)


class Chain(Sketch):
    """Every operator goes on from the one before it."""

    def source(self, ranks: tuple[int, ...] = (1, 2, 3), dtypes: tuple[DType, ...] = (DType.S8,)) -> Tensor:
        return self.tensors[-1]

    def output_type(self) -> DType:
        return DType.S8


def _sketch(
    draw: Any,
    rank: int | None,
    steps: tuple[Callable[[Sketch], None], ...],
    most: int,
    least: int = 1,
    kind: type[Sketch] = Sketch,
) -> Sketch:
    """An input of ``least`` or more along time and 4 to about ``most`` nodes; ``rank`` 1 or 2 spatial dimensions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spatial = rank or draw(st.integers(1, 2))
    shape = (draw(st.integers(1, 7)), *(draw(st.integers(1, 17 if spatial == 1 else 9)) for _ in range(spatial)))
    shape = (*shape[:-1], shape[-1] + least - 1)
    g = kind(draw, rng, GraphBuilder("random", {"origin": "hypothesis"}))
    x = Tensor("x", shape, DType.S8, draw(st.sampled_from([-128, 0, 127, 5])), 0.125)
    g.builder.input(x.name, x.shape, x.dtype, x.zero_point, x.scale)
    g.tensors.append(x)
    for step in draw(st.lists(st.sampled_from(steps), min_size=4, max_size=most)):
        step(g)
    while len(g.tensors) < 5:
        table(g)
    return g


@st.composite
def graphs(
    draw: Any,
    rank: int | None = None,
    most: int = 9,
    steps: tuple[Callable[[Sketch], None], ...] = STEPS,
    least: int = 1,
) -> Graph:
    """Graphs of 4 to about ``most`` nodes.

    Args:
        rank: 1 or 2 spatial dimensions, or either.
        steps: what adds nodes.
        least: size that the input's last axis has at least.
    """
    g = _sketch(draw, rank, steps, most, least)
    used = {name for node in g.builder.nodes for name in node.inputs}
    for tensor in g.tensors[1:]:
        if tensor.name not in used:
            g.builder.output(tensor.name)
    return g.builder.build()


@st.composite
def chains(draw: Any) -> Graph:
    """Windows and operators on one element at a time, each on the output of the one before."""
    g = _sketch(draw, None, (conv, conv, table, average_pool, max_pool), 6, kind=Chain)
    g.builder.output(g.tensors[-1].name)
    return g.builder.build()


@st.composite
def cones(draw: Any, rank: int | None = None, most: int = 9) -> Graph:
    """Graphs whose one output is a random box of the last tensor that has spatial axes; every node leads there."""
    g = _sketch(draw, rank, SPATIAL_STEPS, most)
    x = g.source(ranks=(2, 3), dtypes=(DType.S8, DType.S16))
    starts = [0, *(g.pick(0, n - 1) for n in x.shape[1:])]
    stops = [x.shape[0], *(g.pick(start + 1, n) for start, n in zip(starts[1:], x.shape[1:], strict=True))]
    box = g.add("slice", Slice(tuple((a, b, 1) for a, b in zip(starts, stops, strict=True))), x)
    reached, kept = {box.name}, []
    for node in reversed(g.builder.nodes):
        if node.output in reached:
            reached.update(node.inputs)
            kept.append(node)
    builder, given = GraphBuilder("cone", {"origin": "hypothesis"}), g.tensors[0]
    builder.input(given.name, given.shape, given.dtype, given.zero_point, given.scale)
    scales = {tensor.name: tensor.scale for tensor in g.tensors}
    for node in reversed(kept):
        builder.add(node.name, node.op, *node.inputs, scale=scales[node.output])
    builder.output(box.name)
    return builder.build()


def inputs_of(graph: Graph, seed: int = 0, batch: int = 4) -> dict[str, NDArray]:
    """Inputs and states (batch, *shape): random, all at the lowest value, all at the highest, and extremes mixed."""
    rng = np.random.default_rng(seed)
    inputs = {}
    for tensor in [*graph.inputs, *(graph.tensors[state.input] for state in graph.states)]:
        low, high = tensor.dtype.low, tensor.dtype.high
        values = rng.integers(low, high + 1, (batch, *tensor.shape))
        if batch >= 4:
            values[-3], values[-2] = low, high
            values[-1] = rng.choice([low, high, tensor.zero_point], tensor.shape)
        inputs[tensor.name] = values.astype(tensor.dtype.numpy)
    return inputs
