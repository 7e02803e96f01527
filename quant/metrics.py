"""Classification figures: accuracy, balanced accuracy and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Metrics:
    """Built from a confusion matrix: rows are true classes, columns predictions, entries counts."""

    confusion: NDArray[np.int64]

    @classmethod
    def of(cls, scores: ArrayLike, labels: ArrayLike, classes: int) -> Metrics:
        """From scores (N, classes) of any type (the first of equal scores wins) and labels (N,) 0..classes-1."""
        predictions = np.asarray(scores).argmax(axis=1)
        pairs = np.asarray(labels, np.int64) * classes + predictions
        return cls(np.bincount(pairs, minlength=classes * classes).reshape(classes, classes))

    @property
    def accuracy(self) -> float:
        """Share of correct predictions, 0..1."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the classes that occur of the share found of each, 0..1."""
        totals = self.confusion.sum(axis=1)
        found = np.diag(self.confusion)[totals > 0] / totals[totals > 0]
        return float(found.mean())

    def as_json(self) -> dict[str, Any]:
        return {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "confusion": self.confusion.tolist(),
        }
