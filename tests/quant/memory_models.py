"""Graphs over the operators on class memories: random sizes, one input."""

from __future__ import annotations

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import Accumulate, ArgMax, Count, Erase, Majority, Requantize, Reshape, Slice
from quant.requant import Requant


def memory_graph(seed: int) -> Graph:
    """Every operator on class memories, the same graph for the same seed; the label may name no class."""
    rng = np.random.default_rng(seed)
    length, classes = int(rng.integers(2, 90)), int(rng.integers(1, 6))
    zero_point = int(rng.integers(-20, 20))
    b = GraphBuilder(f"memory-{seed}")
    x = b.input("x", (length, classes), zero_point=5, scale=0.1)
    label = b.add("label", ArgMax(0), b.add("some", Slice(((0, min(length, 7), 1),)), b.add("flat", Reshape((-1,)), x)))
    column = b.add("value", Reshape((-1,)), b.add("column", Slice(((0, length, 1), (0, 1, 1))), x))
    wide = Requant.from_real(3.0, zero_point=zero_point, lo=-32768, hi=32767, dtype=DType.S16)
    memory = b.add("memory", Requantize(wide), x, scale=0.03)
    sums = b.add("sums", Accumulate(-300, 20_000, bipolar=False), memory, column, label)
    bits = b.add(
        "bits", Majority(seed), b.add("row", Reshape((-1,)), b.add("first", Slice(((0, length, 1), (0, 1, 1))), sums))
    )
    learned = b.add("learned", Accumulate.of(DType.S16, DType.B1), sums, bits, label)
    b.output(b.add("prototypes", Majority(2**64 - 1 - seed), b.add("forgotten", Erase(), learned, label)))
    b.output(b.add("erased", Erase(), b.add("before", Majority(seed), learned), label))
    counts = b.add("counts", Reshape((-1,)), memory)
    b.output(b.add("seen", Count(90), counts, label))
    b.output(b.add("unseen", Erase(), counts, label))
    return b.build()
