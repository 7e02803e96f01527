"""Graphs of layers on bits: each layer type, 1-D and 2-D, with every kind of output."""

from __future__ import annotations

from typing import Any

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import BinaryConv, BinaryDense, Threshold
from quant.ops.binary import Finish
from quant.requant import Requant

SEEDS = range(9)
WIDE = 6  # from this seed on: many outputs, which a small scratchpad holds in parts
KINDS = "b1", "s8", "s16", "s32"


def finish_of(rng: np.random.Generator, kind: str, outputs: int, terms: int) -> Finish:
    """What becomes of sums of ``terms`` signs; they are about their root."""
    spread = max(1, round(np.sqrt(terms)))
    if kind == "b1":
        return Threshold(rng.integers(-spread, spread + 1, outputs))
    if kind == "s32":
        return None
    dtype = DType(kind)
    factors = dtype.high / (4 * spread) * rng.uniform(0.5, 1.5, outputs)
    return Requant.from_real(factors, zero_point=-3, lo=dtype.low, hi=dtype.high, dtype=dtype)


def bias_of(rng: np.random.Generator, kind: str, outputs: int) -> Any:
    return np.zeros(outputs, np.int64) if kind == "b1" else rng.integers(-20, 21, outputs)


def dense(rng: np.random.Generator, inputs: int, outputs: int, kind: str) -> BinaryDense:
    weight = rng.integers(0, 2, (outputs, inputs)).astype(bool)
    return BinaryDense(weight, bias_of(rng, kind, outputs), finish_of(rng, kind, outputs, inputs))


def conv(rng: np.random.Generator, channels: int, outputs: int, kernel: tuple[int, ...], kind: str) -> BinaryConv:
    """Padding on both sides, as far as the kernel reaches."""
    rank = len(kernel)
    weight = rng.integers(0, 2, (outputs, channels, *kernel)).astype(bool)
    finish = finish_of(rng, kind, outputs, weight[0].size)
    dilations, strides = (tuple(int(v) for v in rng.integers(1, 3, rank)) for _ in "ds")
    pads = tuple(d * (k - 1) for k, d in zip(kernel, dilations, strict=True))
    return BinaryConv(weight, bias_of(rng, kind, outputs), finish, strides, dilations, (*pads, *[0] * rank))


def binary_graph(seed: int) -> Graph:
    """Dense layers, convolutions over time or over a plane, in turn; the same graph for the same seed."""
    rng = np.random.default_rng(seed)
    builder = GraphBuilder(f"binary-{seed}")
    wide, rank = seed >= WIDE, seed % 3
    spatial = [(), (9,), (3, 2) if wide else (5, 4)][rank]
    size = int(rng.integers(1, 100 // (rank + 1 + 2 * wide)))

    def layer(inputs: int, outputs: int, kind: str) -> BinaryDense | BinaryConv:
        kernel = tuple(int(k) for k in rng.integers(1, 4, len(spatial)))
        return conv(rng, inputs, outputs, kernel, kind) if kernel else dense(rng, inputs, outputs, kind)

    x = builder.input("x", (size, *spatial), DType.B1)
    hidden = int(rng.integers(130, 160) if wide else rng.integers(1, 70 // (rank + 1)))
    between = builder.add("hidden", layer(size, hidden, "b1"), x)
    for kind in KINDS:
        builder.output(builder.add(kind, layer(hidden, int(rng.integers(1, 8 if wide else 40)), kind), between))
    return builder.build()
