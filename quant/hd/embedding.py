"""What an embedding is: features of a sample to one row of bits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from quant.hd.modes import combine
from quant.hd.settings import Settings

Bits = NDArray[np.bool_]
Features = NDArray[np.int16]
CHUNK_BITS = 1 << 26  # of vectors in memory at once, a byte each


class Embedding(ABC):
    """One way from features to bits; subclasses live in :mod:`quant.hd.embeddings`, a file each.

    What a subclass sees are bands: ``x`` (N, n, B) has n features in each of B bands. In mode ``single`` all features
    are one band, with B = 1.

    Attributes:
        name: as the command line calls it.
        description: one line about it.
        sizes: the setting that decides about the vector's length: ``dimension`` or ``levels``.
        features, bands: n and B.
        settings: as asked for.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    sizes: ClassVar[str] = "dimension"

    def __init__(self, features: int, bands: int, settings: Settings) -> None:
        self.features, self.bands, self.settings = features, bands, settings

    @classmethod
    @abstractmethod
    def fit(cls, x: Features, y: NDArray[np.int64], classes: int, settings: Settings) -> Self:
        """From training samples x (N, n, B) with labels y (N,), 0..classes-1, each of which occurs."""

    @property
    def dimension(self) -> int:
        """Bits of a vector."""
        return self.settings.dimension

    @abstractmethod
    def encode_band(self, x: Features, band: int) -> Bits:
        """The vectors (N, D) of one band's features x (N, n), before bands are combined."""

    def encode(self, x: Features) -> Bits:
        """The vectors (N, D) of samples x (N, n, B), bands combined: what the graph computes."""
        size = max(1, CHUNK_BITS // self.dimension)
        parts = [x[start : start + size] for start in range(0, len(x), size)]
        return np.concatenate([self._encode(part) for part in parts])

    def _encode(self, x: Features) -> Bits:
        def vectors() -> Iterator[Bits]:
            for band in range(self.bands):
                yield self.encode_band(np.ascontiguousarray(x[:, :, band]), band)

        return combine(self.settings.mode, vectors(), self.bands, self.settings.seed)
