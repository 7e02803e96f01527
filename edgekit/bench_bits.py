"""The graphs of bits whose cost the baseline keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import ArgMin, BinaryDense, Bind, Bundle, Dense, Hamming, Threshold
from quant.requant import Requant

SEARCH = "hamming search, 4 classes of 10,000 bits"
LENGTH, CLASSES, POSITIONS = 10_000, 4, 9
INPUTS, OUTPUTS = 1024, 256
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


def dense_on_bits() -> Graph:
    """A fully connected layer from bits to bits."""
    random = np.random.default_rng(0)
    builder = GraphBuilder("dense-on-bits")
    weight, levels = random.integers(0, 2, (OUTPUTS, INPUTS)).astype(bool), random.integers(-32, 33, OUTPUTS)
    layer = BinaryDense(weight, np.zeros(OUTPUTS, np.int64), Threshold(levels))
    builder.output(builder.add("dense", layer, builder.input("x", (INPUTS,), DType.B1)))
    return builder.build()


def dense_on_int8() -> Graph:
    """The same layer from int8 to int8."""
    random = np.random.default_rng(0)
    builder = GraphBuilder("dense-on-int8")
    requant = Requant.from_real(random.uniform(0.5e-4, 1.5e-4, OUTPUTS), zero_point=0, lo=-128, hi=127)
    layer = Dense(random.integers(-127, 128, (OUTPUTS, INPUTS)), np.zeros(OUTPUTS, np.int64), requant)
    builder.output(builder.add("dense", layer, builder.input("x", (INPUTS,))))
    return builder.build()


GRAPHS: dict[str, Callable[[], Graph]] = {
    SEARCH: searches,
    f"dense {INPUTS} to {OUTPUTS} on bits": dense_on_bits,
    f"dense {INPUTS} to {OUTPUTS} on int8": dense_on_int8,
}
