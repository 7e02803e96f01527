"""A model that learns: classify, learn and forget share a class memory, its counters and the number of samples."""

from __future__ import annotations

from typing import Literal

import numpy as np

from quant.class_memory import add_class_memory
from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import Dense, Majority
from quant.requant import Requant

FEATURES, CLASSES = 12, 3


def learner(bits: int = 70, storage: Literal["ram", "nvm"] = "ram") -> Graph:
    """Signs of a random projection of int8 features; a memory without samples."""
    rng = np.random.default_rng(bits)
    b = GraphBuilder("learner")
    x = b.input("x", (FEATURES,), zero_point=4, scale=0.1)
    wide = Requant.from_real(0.2, zero_point=0, lo=-32768, hi=32767, dtype=DType.S16)
    projected = b.add("projected", Dense(rng.integers(-1, 2, (bits, FEATURES)), np.zeros(bits, np.int64), wide), x)
    query, empty = b.add("query", Majority(1), projected), np.zeros((bits, CLASSES), np.int64)
    add_class_memory(b, (x,), query, empty, empty[0], seed=2, storage=storage)
    return b.build()
