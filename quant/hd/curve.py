"""Accuracy of one classifier against the length of its vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quant.hd.classifier import HdClassifier
from quant.hd.embedding import Features
from quant.hd.settings import Settings

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


def curve(classifier: HdClassifier, test: Labelled, refit: Callable[[Settings], HdClassifier]) -> list[Point]:
    """Up to what the classifier has: codes of fewer levels, or the first bits of a projection, whose bits are alike.

    Args:
        refit: the classifier with other settings.
    """
    if classifier.embedding.sizes == "levels":
        return list(_levels(classifier, test, refit))
    return list(_prefixes(classifier, test))


def _levels(classifier: HdClassifier, test: Labelled, refit: Callable[[Settings], HdClassifier]) -> Iterator[Point]:
    settings = classifier.embedding.settings
    for levels in sorted({*(n for n in LEVELS if n < settings.levels), settings.levels}):
        fitted = refit(replace(settings, levels=levels))
        yield Point(fitted.embedding.dimension, float(np.mean(fitted.predict(test.x) == test.y)))


def _prefixes(classifier: HdClassifier, test: Labelled) -> Iterator[Point]:
    seen, memory = classifier.encode(test.x), classifier.memory
    for count in (*(n for n in DIMENSIONS if n < memory.dimension), memory.dimension):
        yield Point(count, float(np.mean(memory.prefix(count).predict(seen[:, :count]) == test.y)))
