"""A fitted classifier as the integer graph that runs everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quant.class_memory import add_class_memory
from quant.dtypes import DType
from quant.errors import Problem, UserError
from quant.graph import Graph, GraphBuilder
from quant.hd.classifier import HdClassifier
from quant.hd.embedding import Embedding
from quant.hd.modes import key
from quant.hd.seeds import stream
from quant.ops import ArgMin, Bind, Bundle, Hamming

INPUT, DISTANCES, LABEL = "features", "distances", "label"


def to_graph(
    classifier: HdClassifier, name: str, scale: float | None = None, info: Mapping[str, Any] | None = None
) -> Graph:
    """From int16 features (B, n), or (n,) of one band, to Hamming distances s32 (classes,) and the nearest class (1,).

    Args:
        scale: of the features.

    Raises:
        UserError: what the integer arithmetic cannot hold.
    """
    memory, builder = classifier.memory, GraphBuilder(name, info)
    vector = _encoded(builder, classifier.embedding, scale)
    distances = builder.add(DISTANCES, Hamming(memory.rows.T, memory.centroids), vector)
    builder.output(distances)
    builder.output(builder.add(LABEL, ArgMin(0), distances))
    return builder.build()


def to_learner(
    classifier: HdClassifier, name: str, scale: float | None = None, info: Mapping[str, Any] | None = None
) -> Graph:
    """:func:`to_graph` with entries ``classify``, ``learn`` and ``forget``: the training samples are where it begins.

    What is learned outlives power where the board can keep it (:mod:`quant.class_memory`).

    Raises:
        UserError: as :func:`to_graph`; or the class memory is no majority of samples.
    """
    memory, builder = classifier.memory, GraphBuilder(name, info)
    if memory.counters is None:
        fix = "bundle the samples of a class in one row: 'hd' with one centroid"
        raise UserError(Problem("its class memory has no counters to go on with", f"classifier '{name}'", fix=fix))
    vector = _encoded(builder, classifier.embedding, scale)
    ties = stream(classifier.embedding.settings.seed, "ties")
    add_class_memory(builder, (INPUT,), vector, memory.counters.T, memory.seen, seed=ties)
    return builder.build()


def _encoded(builder: GraphBuilder, embedding: Embedding, scale: float | None) -> str:
    """The input and, behind it, the vector (D,) of all bands."""
    settings, bands, dimension = embedding.settings, embedding.bands, embedding.dimension
    shape = (embedding.features,) if bands == 1 else (bands, embedding.features)
    vector = embedding.add(builder, builder.input(INPUT, shape, DType.S16, scale=scale))
    if bands > 1 and settings.mode == "spatial":
        keys = np.stack([key(settings.seed, dimension, band) for band in range(bands)], axis=1)
        vector = builder.add("keyed", Bind(keys), vector)
    if bands > 1:
        vector = builder.add("bundle", Bundle("xor" if settings.mode == "bind" else "majority"), vector)
    return vector
