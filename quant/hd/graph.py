"""A fitted classifier as the integer graph that runs everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.hd.classifier import HdClassifier
from quant.hd.modes import key
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
    embedding, memory, settings = classifier.embedding, classifier.memory, classifier.embedding.settings
    bands, dimension = embedding.bands, embedding.dimension
    shape = (embedding.features,) if bands == 1 else (bands, embedding.features)
    builder = GraphBuilder(name, info)
    vector = embedding.add(builder, builder.input(INPUT, shape, DType.S16, scale=scale))
    if bands > 1 and settings.mode == "spatial":
        keys = np.stack([key(settings.seed, dimension, band) for band in range(bands)], axis=1)
        vector = builder.add("keyed", Bind(keys), vector)
    if bands > 1:
        vector = builder.add("bundle", Bundle("xor" if settings.mode == "bind" else "majority"), vector)
    distances = builder.add(DISTANCES, Hamming(memory.rows.T, memory.centroids), vector)
    builder.output(distances)
    builder.output(builder.add(LABEL, ArgMin(0), distances))
    return builder.build()
