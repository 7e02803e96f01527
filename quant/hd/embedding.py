"""What an embedding is: features of a sample to one row of bits, here and as nodes of an integer graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from quant.graph import GraphBuilder
from quant.hd.modes import combine
from quant.hd.settings import Settings
from quant.ops import Transpose

Bits = NDArray[np.bool_]
Features = NDArray[np.int16]
CHUNK_BITS = 1 << 26  # of vectors in memory at once, a byte each


class Embedding(ABC):
    """One way from features to bits; subclasses live in :mod:`quant.hd.embeddings`, a file each.

    What a subclass sees are bands: ``x`` (N, B, n) has n features in each of B bands. In mode ``single`` all features
    are one band, with B = 1.

    Attributes:
        name: as the command line calls it.
        description: one line about it.
        sizes: the setting that decides about the vector's length: ``dimension`` or ``levels``.
        reads: the other settings that it reads, besides mode, centroids and seed, which all do.
        usual: settings where nobody asks for others, as far as they differ from those of all embeddings.
        features, bands: n and B.
        settings: as asked for.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    sizes: ClassVar[str] = "dimension"
    reads: ClassVar[tuple[str, ...]] = ()
    usual: ClassVar[Mapping[str, int]] = {}

    def __init__(self, features: int, bands: int, settings: Settings) -> None:
        self.features, self.bands, self.settings = features, bands, settings

    @classmethod
    def require(cls) -> None:
        """Import what :meth:`fit` needs, so that what is not installed is said before anything is computed."""
        return None

    @classmethod
    @abstractmethod
    def fit(cls, x: Features, y: NDArray[np.int64], classes: int, settings: Settings) -> Self:
        """From training samples x (N, B, n) with labels y (N,), 0..classes-1, each of which occurs."""

    @property
    def dimension(self) -> int:
        """Bits of a vector."""
        return self.settings.dimension

    @abstractmethod
    def encode_band(self, x: Features, band: int) -> Bits:
        """The vectors (N, D) of one band's features x (N, n), before bands are combined."""

    @abstractmethod
    def add(self, builder: GraphBuilder, features: str) -> str:
        """Append nodes that encode the tensor ``features``, s16 (B, n), or (n,) where there is one band.

        Returns:
            The name of a b1 tensor (D, B), or (D,): what :meth:`encode_band` gives, of all bands.
        """

    def encode(self, x: Features) -> Bits:
        """The vectors (N, D) of samples x (N, B, n), bands combined: what the graph computes."""
        size = max(1, CHUNK_BITS // self.dimension)
        parts = [x[start : start + size] for start in range(0, len(x), size)]
        return np.concatenate([self._encode(part) for part in parts])

    def _encode(self, x: Features) -> Bits:
        def vectors() -> Iterator[Bits]:
            for band in range(self.bands):
                yield self.encode_band(x[:, band], band)

        return combine(self.settings.mode, vectors(), self.bands, self.settings.seed)


def columns(builder: GraphBuilder, features: str, bands: int) -> str:
    """The tensor ``features`` (B, n) as channels at B positions, (n, B): the same bytes; (n,) stays as it is."""
    return features if bands == 1 else builder.add("columns", Transpose((1, 0)), features)
