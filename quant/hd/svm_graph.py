"""The linear SVM as an integer graph of 8-bit weights: what classifiers in bits are priced against on a board."""

from __future__ import annotations

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.hd.embedding import Features
from quant.hd.graph import INPUT, LABEL
from quant.hd.narrow import LIMIT, narrowed, narrowing, rounded
from quant.hd.svm import LinearSvm
from quant.ops import ArgMax, Dense, Requantize
from quant.requant import Requant

SCORES = "scores"


def to_graph(svm: LinearSvm, x: Features, scale: float, name: str) -> Graph:
    """From int16 features (B n,) to scores s8 (classes,) and the label (1,).

    Features become int8, as learned embeddings take them; all weights share one step. The largest score of a training
    sample is 127, so that two classes whose scores differ by less than half a step are a tie, which the lower one wins.

    Args:
        x: the training samples (N, B, n), which stand for ``scale`` times as much.
    """
    flat = x.reshape(len(x), -1)
    narrow = narrowing(flat)
    small, weight = narrowed(narrow, flat), rounded(svm.weights)
    # One step of the accumulator is a step of the narrow features times a step of the weights.
    step = scale * 2.0 ** int(narrow.s) / int(narrow.m) * np.abs(svm.weights).max() / LIMIT
    bias = np.rint(svm.bias / step).astype(np.int64)
    largest = max(int(np.abs(small @ weight.T + bias).max()), 1)
    requant = Requant.from_real(LIMIT / largest, zero_point=0, lo=-LIMIT, hi=LIMIT)
    builder = GraphBuilder(name)
    features = builder.input(INPUT, (flat.shape[1],), DType.S16, scale=scale)
    scores = builder.add(SCORES, Dense(weight, bias, requant), builder.add("narrow", Requantize(narrow), features))
    builder.output(scores)
    builder.output(builder.add(LABEL, ArgMax(0), scores))
    return builder.build()
