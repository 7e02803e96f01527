"""Graphs over the operators on bits: random sizes, one input of hypervectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import ArgMin, Bind, Bundle, Hamming
from tests.quant import binary_models, encoder_models
from tests.quant.memory_models import memory_graph

SEEDS = range(6)


def bit_graph(seed: int, longest: int = 400, most: int = 8) -> Graph:
    """Every operator on bits, all of them connected, the same graph for the same seed; sizes are seldom whole words.

    Args:
        longest: bits of a vector.
        most: positions, and classes.
    """
    rng = np.random.default_rng(seed)
    length, positions, classes = (int(rng.integers(1, size + 1)) for size in (longest, most, most))
    b = GraphBuilder(f"bits-{seed}")

    def random(*shape: int) -> NDArray[np.bool_]:
        return rng.integers(0, 2, shape).astype(bool)

    x = b.input("x", (length, positions), DType.B1)
    keyed = b.add("keyed", Bind(random(length, positions)), x)
    both = b.add("both", Bind(), keyed, b.add("other", Bind(seed=seed), x))
    query = b.add("majority", Bundle("majority"), keyed)
    parity = b.add("parity", Bundle("xor"), both)
    seen = b.add("distances", Hamming(random(length, classes)), query)
    centroids = b.add("centroids", Hamming(random(length, 2 * classes), 2, counted=True), parity, seen)
    b.output(b.add("class", ArgMin(0), centroids))
    b.output(b.add("to input", Hamming(), query, x))
    return b.build()


def all_bit_graphs() -> list[Graph]:
    """Every operator on bits and on class memories in some of them."""
    binary = map(binary_models.binary_graph, binary_models.SEEDS)
    encoders = map(encoder_models.encoder_graph, encoder_models.SEEDS)
    return [*map(bit_graph, SEEDS), *binary, *map(memory_graph, SEEDS), *encoders]
