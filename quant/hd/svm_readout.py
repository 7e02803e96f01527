"""Support vector machines as class memories: their hyperplanes become rows of bits, the nearest row wins.

Both ways are published in the article named in :mod:`quant.hd.svm`; what comes out is a classifier like any other one,
and so is its graph.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quant.errors import unknown
from quant.hd.classifier import HdClassifier, arranged
from quant.hd.embedding import Bits, Features
from quant.hd.embeddings import embedding
from quant.hd.memory import ClassMemory
from quant.hd.settings import Settings
from quant.hd.svm import LinearSvm, signs

READOUTS = ("projected", "trained")
PENALTY = 0.1  # C, as published
HIGH = (1 << 15) - 1


def fit(
    name: str,
    x: Features,
    y: NDArray[np.int64],
    classes: Sequence[str],
    settings: Settings,
    readout: str = "projected",
    scale: float = 1.0,
) -> HdClassifier:
    """From int16 features x (N, B, n), which stand for ``scale`` times as much, embedded as ``name`` says.

    Args:
        readout: ``projected``: the bits of :func:`hyperplanes`; ``trained``: :func:`trained`.

    Raises:
        UserError: an unknown read-out or embedding, a class without training samples.
    """
    if readout not in READOUTS:
        raise unknown("read-out", readout, READOUTS)
    seen, count = arranged(x, settings.mode), len(classes)
    encoder = embedding(name).fit(seen, y, count, settings)
    if readout == "projected":
        rows = encoder.encode(hyperplanes(seen, y, count, scale, settings.seed))
    else:
        rows = trained(encoder.encode(seen), y, count, settings.seed)
    return HdClassifier(encoder, memory(rows, y), tuple(classes))


def hyperplanes(x: Features, y: NDArray[np.int64], classes: int, scale: float, seed: int = 0) -> Features:
    """Of an SVM on samples x (N, B, n): each class's weights as if they were a sample, int16 (classes, B, n)."""
    weights = LinearSvm.fit(x.reshape(len(x), -1) * scale, y, classes, PENALTY, seed).weights
    largest = np.abs(weights).max(axis=1, keepdims=True)
    steps = np.rint(weights * (HIGH / np.where(largest > 0, largest, 1.0)))
    return steps.astype(np.int16).reshape(classes, *x.shape[1:])


def trained(vectors: Bits, y: NDArray[np.int64], classes: int, seed: int = 0) -> Bits:
    """Rows (classes, D): the signs of an SVM's weights, fitted on the vectors (N, D) of the samples as +-1.

    What it would compare, the sum of sign times sign, is D minus twice the Hamming distance.
    """
    return signs(LinearSvm.fit(np.where(vectors, 1.0, -1.0), y, classes, PENALTY, seed).weights) > 0


def memory(rows: Bits, y: NDArray[np.int64]) -> ClassMemory:
    """One row per class, all of which occur in y."""
    return ClassMemory(rows, np.bincount(y, minlength=len(rows)))
