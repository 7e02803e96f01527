"""Learned by least squares: a projection that takes the samples of each class to random bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.graph import GraphBuilder
from quant.hd.embedding import Bits, Embedding, Features
from quant.hd.narrow import narrowed, narrowing, rounded
from quant.hd.seeds import stream
from quant.hd.settings import Settings
from quant.ops import Conv, Dense, Project, Requantize, Reshape, Transpose
from quant.requant import Requant

Integers = NDArray[np.int64]
WIDE = DType.S16
NOISE = 1e-2  # of the strongest direction of X: weaker ones are what rounding to int8 left


class LearnedLs(Embedding):
    """bits = [(2 T - 1) X^+ x >= 0] in every band, X (n, N) its training samples, T (D, N) random bits of their class.

    T has equal columns for all samples of a class: with t_c the +-1 target of class c, (2 T - 1) X^+ is the sum over c
    of t_c s_c, where s_c, the sum of the rows of X^+ that belong to class c, scores how well x fits that class. So the
    projection has a rank of at most the number of classes, and instead of its D n numbers the model holds the n weights
    of each s_c, in 8 bits, and the seed of the targets. Scores are int16, each band with a scale of its own.

    Attributes:
        narrow: of the features to int8.
        weight: (B, classes, n).
        requant: of the scores, one factor per class and band.
    """

    name = "learned-ls"
    description = "least squares to random target bits of each class and band"
    usual: ClassVar[Mapping[str, int]] = {"dimension": 1000}

    def __init__(
        self, features: int, bands: int, settings: Settings, narrow: Requant, weight: Integers, requant: Requant
    ) -> None:
        super().__init__(features, bands, settings)
        self.narrow, self.weight, self.requant = narrow, weight, requant

    @classmethod
    def fit(cls, x: Features, y: NDArray[np.int64], classes: int, settings: Settings) -> Self:
        narrow = narrowing(x)
        members = (y == np.arange(classes)[:, None]).astype(np.float64)
        weights, factors = [], []
        for band in narrowed(narrow, x).swapaxes(0, 1).astype(np.float64):
            inverse = np.linalg.pinv(band @ band.T, rcond=NOISE**2, hermitian=True) @ band  # X^+ = (X^T X)^+ X^T
            weights.append(rounded(members @ inverse))
            largest = float(np.abs(band @ weights[-1].T).max())
            factors += [WIDE.high / 2 / max(largest, 1.0)] * classes  # half of the range is left for other samples
        requant = Requant.from_real(factors, zero_point=0, lo=WIDE.low, hi=WIDE.high, dtype=WIDE)
        return cls(x.shape[2], x.shape[1], settings, narrow, np.stack(weights), requant)

    @property
    def classes(self) -> int:
        return self.weight.shape[1]

    @property
    def projection(self) -> Project:
        """Its row for one bit holds that bit's targets, +-1, for all classes."""
        return Project(self.dimension, stream(self.settings.seed, "targets"))

    def encode_band(self, x: Features, band: int) -> Bits:
        own, form = slice(band * self.classes, (band + 1) * self.classes), self.requant
        requant = Requant.of(form.m[own], form.s[own], zero_point=0, lo=form.lo, hi=form.hi, dtype=form.dtype)
        return self.projection.bits(requant.apply(narrowed(self.narrow, x) @ self.weight[band].T), band)

    def add(self, builder: GraphBuilder, features: str) -> str:
        bias = np.zeros(self.bands * self.classes, np.int64)
        if self.bands == 1:
            small = builder.add("narrow", Requantize(self.narrow), features)
            scores = builder.add("scores", Dense(self.weight[0], bias, self.requant), small)
            return builder.add("project", self.projection, scores)
        line = builder.add("line", Reshape((self.bands * self.features,)), features)
        small = builder.add("narrow", Requantize(self.narrow), line)
        channels = builder.add("channels", Reshape((self.bands * self.features, 1)), small)
        weight = self.weight.reshape(-1, self.features, 1)
        conv = Conv(weight, bias, self.requant, (1,), (1,), (0, 0), groups=self.bands)
        rows = builder.add("rows", Reshape((self.bands, self.classes)), builder.add("scores", conv, channels))
        return builder.add("project", self.projection, builder.add("classes", Transpose((1, 0)), rows))
