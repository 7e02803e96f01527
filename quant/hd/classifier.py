"""The whole classifier: embedding and class memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quant.errors import Problem, UserError
from quant.hd.embedding import Bits, Embedding, Features
from quant.hd.embeddings import embedding
from quant.hd.memory import ClassMemory
from quant.hd.settings import Settings


@dataclass(frozen=True, eq=False)
class HdClassifier:
    """A fitted classifier of features (N, B, n), s16.

    Attributes:
        classes: names.
    """

    embedding: Embedding
    memory: ClassMemory
    classes: tuple[str, ...]

    @classmethod
    def fit(
        cls, name: str, x: Features, y: NDArray[np.int64], classes: Sequence[str], settings: Settings | None = None
    ) -> HdClassifier:
        """Fit the embedding ``name``, then bundle the training samples of each class.

        Raises:
            UserError: unknown embedding, no such shape, or a class without training samples.
        """
        settings = settings or Settings()
        where = f"embedding '{name}'"
        kind = embedding(name)
        if x.ndim != 3 or x.dtype != np.int16 or len(x) != len(y):
            what = f"features are {x.dtype} {x.shape} with {len(y)} labels"
            raise UserError(Problem(what, where, "int16 (trials, bands, features), a label each"))
        if missing := [title for label, title in enumerate(classes) if not (y == label).any()]:
            fix = "train on a split that has all classes, or leave the class out"
            raise UserError(Problem(f"there is no training trial of class {', '.join(missing)}", where, fix=fix))
        x = arranged(x, settings.mode)
        fitted = kind.fit(x, y, len(classes), settings)
        memory = ClassMemory.fit(fitted.encode(x), y, len(classes), settings.centroids, settings.seed)
        return cls(fitted, memory, tuple(classes))

    def encode(self, x: Features) -> Bits:
        """Vectors (N, D) of features (N, B, n)."""
        return self.embedding.encode(arranged(x, self.embedding.settings.mode))

    def distances(self, x: Features) -> NDArray[np.int64]:
        """Hamming distances (N, classes) of features (N, B, n)."""
        return self.memory.distances(self.encode(x))

    def predict(self, x: Features) -> NDArray[np.int64]:
        """Labels (N,) of features (N, B, n)."""
        return self.distances(x).argmin(axis=1)


def arranged(x: Features, mode: str) -> Features:
    """Features (N, B, n) as embeddings see them: in mode ``single`` all of them are one band, (N, 1, B n)."""
    return x.reshape(len(x), 1, -1) if mode == "single" else x
