"""Learned end to end by gradient descent: one projection for all bands, trained through the majority over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from quant import splitmix
from quant.dtypes import DType
from quant.graph import GraphBuilder
from quant.hd.embedding import Bits, Embedding, Features
from quant.hd.modes import key
from quant.hd.narrow import narrowed, narrowing, rounded
from quant.hd.seeds import stream
from quant.hd.settings import Settings
from quant.ops import Binarize, Conv, Dense, Requantize, Reshape, Transpose
from quant.requant import Requant

Integers = NDArray[np.int64]


class LearnedSgd(Embedding):
    """bits = [W x >= 0] in every band, with one int8 W (D, n) for all of them.

    W is trained so that the majority over bands, each XOR its key, gives a class's random target bits
    (``quant/training/hd_sgd.py``, the only part that needs torch). Sums become int8 by a shift that keeps their sign,
    because nothing is added before it.

    Attributes:
        narrow: of the features to int8.
        weight: (D, n).
    """

    name = "learned-sgd"
    description = "one projection for all bands, trained through the majority over them (needs torch)"
    usual: ClassVar[Mapping[str, int]] = {"dimension": 1000}

    def __init__(self, features: int, bands: int, settings: Settings, narrow: Requant, weight: Integers) -> None:
        super().__init__(features, bands, settings)
        self.narrow, self.weight = narrow, weight

    @classmethod
    def require(cls) -> None:
        import quant.training.hd_sgd  # noqa: F401

    @classmethod
    def fit(cls, x: Features, y: NDArray[np.int64], classes: int, settings: Settings) -> Self:
        from quant.training.hd_sgd import train

        narrow, (_, bands, n), dimension = narrowing(x), x.shape, settings.dimension
        small = narrowed(narrow, x).astype(np.float32)
        keys = np.stack([key(settings.seed, dimension, band) for band in range(bands)])
        if bands == 1:  # nothing is bound to a key where there is one band
            keys[:] = False
        targets = splitmix.bits(stream(settings.seed, "targets"), 0, classes * dimension).reshape(classes, dimension)
        trained = train(small / np.sqrt(np.mean(small**2)), y, keys, targets, settings.seed)
        rows = [rounded(row) for row in trained.astype(np.float64)]
        return cls(n, bands, settings, narrow, np.stack(rows))

    def encode_band(self, x: Features, band: int) -> Bits:
        sums = narrowed(self.narrow, x).astype(np.float64) @ self.weight.T.astype(np.float64)  # exact below 2^53
        return sums >= 0

    @property
    def requant(self) -> Requant:
        """Sum >> s: negative sums stay negative, all others do not become negative."""
        largest = int(np.abs(self.weight).sum(axis=1).max()) * 128
        shift = max(largest.bit_length() - 7, 0) + 1
        return Requant.of(2, shift, a=0, zero_point=0, lo=DType.S8.low, hi=DType.S8.high)

    def add(self, builder: GraphBuilder, features: str) -> str:
        bias = np.zeros(self.dimension, np.int64)
        line = features if self.bands == 1 else builder.add("line", Reshape((self.features * self.bands,)), features)
        small = builder.add("narrow", Requantize(self.narrow), line)
        if self.bands == 1:
            sums = builder.add("sums", Dense(self.weight, bias, self.requant), small)
        else:
            rows = builder.add("rows", Reshape((self.bands, self.features)), small)
            columns = builder.add("columns", Transpose((1, 0)), rows)
            conv = Conv(self.weight[:, :, None], bias, self.requant, (1,), (1,), (0, 0))
            sums = builder.add("sums", conv, columns)
        return builder.add("signs", Binarize(np.zeros((), np.int64)), sums)
