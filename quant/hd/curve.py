"""Accuracy of one classifier against the length of its vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quant.hd.classifier import HdClassifier
from quant.hd.embedding import Features
from quant.hd.memory import ClassMemory

DIMENSIONS = (16, 32, 64, 128, 256, 512, 1024, 2048, 5000, 10000, 20000, 50000, 100000)
LEVELS = (3, 5, 9, 21, 41, 75, 199)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Features (N, B, n) and their labels (N,)."""

    x: Features
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Point:
    """Bits of a vector, and the share of test trials, 0..1, that are classified correctly."""

    dimension: int
    accuracy: float


def curve(classifier: HdClassifier, train: Labelled, test: Labelled) -> list[Point]:
    """Up to what the classifier has: codes of fewer levels, or the first bits of a projection, whose bits are alike."""
    points = list(_levels(classifier, train, test) if classifier.embedding.sizes == "levels" else [])
    return points or list(_prefixes(classifier, train, test))


def _levels(classifier: HdClassifier, train: Labelled, test: Labelled) -> Iterator[Point]:
    settings, name = classifier.embedding.settings, classifier.embedding.name
    for levels in sorted({*(n for n in LEVELS if n < settings.levels), settings.levels}):
        fitted = HdClassifier.fit(name, train.x, train.y, classifier.classes, replace(settings, levels=levels))
        yield Point(fitted.embedding.dimension, float(np.mean(fitted.predict(test.x) == test.y)))


def _prefixes(classifier: HdClassifier, train: Labelled, test: Labelled) -> Iterator[Point]:
    known, seen = classifier.encode(train.x), classifier.encode(test.x)
    memory, seed = classifier.memory, classifier.embedding.settings.seed
    for count in (*(n for n in DIMENSIONS if n < memory.dimension), memory.dimension):
        part = ClassMemory.fit(known[:, :count], train.y, memory.classes, memory.centroids, seed)
        yield Point(count, float(np.mean(part.predict(seen[:, :count]) == test.y)))
