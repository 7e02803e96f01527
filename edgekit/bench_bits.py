"""The graphs of bits whose cost the baseline keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import ArgMin, Bind, Bundle, Hamming

SEARCH = "hamming search, 4 classes of 10,000 bits"
LENGTH, CLASSES, POSITIONS = 10_000, 4, 9
BOARDS = ("gap8", "stm32f756", "stm32l475")


def searches(names: Sequence[str] = ("search",)) -> Graph:
    """Class memories, one layer each, searched for one query; the nearest class of each. The query is the majority of
    several vectors, each bound to a key: what comes before a search in a classifier of bands."""
    random = np.random.default_rng(0)
    builder = GraphBuilder("search")
    x = builder.input("x", (LENGTH, POSITIONS), DType.B1)
    keyed = builder.add("bind", Bind(random.integers(0, 2, (LENGTH, POSITIONS)).astype(bool)), x)
    query = builder.add("bundle", Bundle(), keyed)
    distances = [
        builder.add(name, Hamming(random.integers(0, 2, (LENGTH, CLASSES)).astype(bool)), query) for name in names
    ]
    for name, distance in zip(names, distances, strict=True):
        builder.output(builder.add(f"class of {name}", ArgMin(), distance))
    return builder.build()
