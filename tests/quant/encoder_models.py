"""Graphs over the operators that make bits, from one input of int16 features."""

from __future__ import annotations

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import Binarize, Bundle, LevelEncode, Project

SEEDS = range(4)


def encoder_graph(seed: int) -> Graph:
    """Every encoder, on features in one position or in several; the same graph for the same seed."""
    rng = np.random.default_rng(seed)
    values, positions = int(rng.integers(1, 80)), [(), (int(rng.integers(1, 6)),)][seed % 2]
    b = GraphBuilder(f"encoders-{seed}")
    x = b.input("x", (values, *positions), DType.S16)
    b.output(b.add("sign", Binarize(np.array(0)), x))
    b.output(b.add("thresholds", Binarize(rng.integers(-(2**15), 2**15, values)), x))
    for code in ("thermometer", "gray"):
        coded = b.add(code, LevelEncode(code, int(rng.integers(2, 40))), x)
        b.output(b.add(f"{code}.bundle", Bundle("majority"), coded) if positions else coded)
    for name, block in (("gaussian", 1), ("sparse", 1), ("sparse", int(rng.integers(1, min(values, 20) + 1)))):
        op = Project(int(rng.integers(1, 100)), int(rng.integers(0, 2**62)), name, block)
        b.output(b.add(f"{name}.{block}", op, x))
    return b.build()
