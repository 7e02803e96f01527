"""Random projections: the signs of seeded sums of all features of a band."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quant.graph import GraphBuilder
from quant.hd.embedding import Bits, Embedding, Features, columns
from quant.hd.seeds import stream
from quant.hd.settings import Settings
from quant.ops import Project


class Projection(Embedding):
    """bits = [P x >= 0], each band with a matrix P (D, n) of its own; nothing is learned, and only a seed is stored."""

    @classmethod
    def fit(cls, x: Features, y: NDArray[np.int64], classes: int, settings: Settings) -> Self:
        return cls(x.shape[2], x.shape[1], settings)

    @property
    @abstractmethod
    def operator(self) -> Project:
        """The projection of all bands."""

    @property
    def seed(self) -> int:
        """Of the matrix."""
        return stream(self.settings.seed, "projection")

    def encode_band(self, x: Features, band: int) -> Bits:
        return self.operator.bits(x.astype(np.int64), band)

    def add(self, builder: GraphBuilder, features: str) -> str:
        return builder.add("project", self.operator, columns(builder, features, self.bands))


class Gaussian(Projection):
    name = "gaussian"
    description = "signs of random sums with binomial weights, as good as Gaussian ones"

    @property
    def operator(self) -> Project:
        return Project(self.dimension, self.seed, "gaussian")


class SparseBipolar(Projection):
    name = "sparse-bipolar"
    description = "signs of random sums of a few features, each added or subtracted"
    reads = ("density",)

    @property
    def operator(self) -> Project:
        return Project.sparse(self.dimension, self.seed, self.settings.density, self.features)
