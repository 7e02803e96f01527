"""The class memory: one or two rows of bits per class, and the search for the nearest one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quant import bits, splitmix
from quant.hd.seeds import stream

Bits = NDArray[np.bool_]
ROUNDS = 20  # of two-means; it has settled before on everything measured


@dataclass(frozen=True, eq=False)
class ClassMemory:
    """Rows of bits, ``centroids`` neighbouring ones per class.

    Attributes:
        rows: bool (classes * centroids, D).
        seen: int64 (classes,), training samples of each class. A class without any is farther than every other.
        centroids: rows per class.
        counters: int64 (classes, D), ones less zeros of the samples of each class; None where the rows are not their
            majority.
    """

    rows: Bits
    seen: NDArray[np.int64]
    centroids: int = 1
    counters: NDArray[np.int64] | None = None

    @classmethod
    def fit(cls, x: Bits, y: NDArray[np.int64], classes: int, centroids: int = 1, seed: int = 0) -> ClassMemory:
        """Bundle the samples x (N, D) of each class y (N,)."""
        ties = tie_bits(seed, x.shape[1])
        rows = [row for label in range(classes) for row in _rows(x[y == label], centroids, ties, seed)]
        seen = np.bincount(y, minlength=classes)
        if centroids > 1:
            return cls(np.stack(rows), seen, centroids)
        ones = [np.count_nonzero(x[y == label], axis=0) for label in range(classes)]
        return cls(np.stack(rows), seen, counters=2 * np.stack(ones) - seen[:, None])

    @property
    def dimension(self) -> int:
        return self.rows.shape[1]

    @property
    def classes(self) -> int:
        return len(self.seen)

    def distances(self, x: Bits) -> NDArray[np.int64]:
        """Hamming distances (N, classes) of x (N, D) to the nearest row of each class; D + 1 where it has none."""
        found = bits.hamming(bits.pack64(x), bits.pack64(self.rows)).reshape(len(x), self.classes, self.centroids)
        return np.where(self.seen > 0, found.min(axis=2), self.dimension + 1)

    def predict(self, x: Bits) -> NDArray[np.int64]:
        """The nearest class (N,), the lowest of equally near ones."""
        return self.distances(x).argmin(axis=1)

    def prefix(self, count: int) -> ClassMemory:
        """The memory of vectors that end behind ``count`` bits."""
        counters = None if self.counters is None else self.counters[:, :count]
        return replace(self, rows=self.rows[:, :count], counters=counters)

    def between(self) -> NDArray[np.int64]:
        """Distances of the rows from each other, (rows, rows)."""
        packed = bits.pack64(self.rows)
        return bits.hamming(packed, packed)


def tie_bits(seed: int, dimension: int) -> Bits:
    """What a bit becomes for which as many samples were 1 as 0: (D,)."""
    return splitmix.bits(stream(seed, "ties"), 0, dimension)


def majority(x: Bits, ties: Bits) -> Bits:
    """The bit that most of x (N, D) have; ``ties`` (D,) where there is none, and so without samples."""
    counter = 2 * np.count_nonzero(x, axis=0) - len(x)
    return (counter > 0) | ((counter == 0) & ties)


def _rows(x: Bits, centroids: int, ties: Bits, seed: int) -> list[Bits]:
    if centroids == 1 or len(x) < 2:
        return [majority(x, ties)] * centroids
    return _two_means(x, ties, seed)


def _two_means(x: Bits, ties: Bits, seed: int) -> list[Bits]:
    """k-means of x (N >= 2, D) with two centroids in Hamming distance, whose mean is the majority.

    The first centroid begins as a random sample, the second one as the sample farthest from it. Equally near samples
    belong to the first.
    """
    packed = bits.pack64(x)
    first = int(splitmix.words(stream(seed, "centroids"), 0, 1)[0] % np.uint64(len(x)))
    second = int(bits.hamming(packed, packed[first : first + 1]).argmax())
    rows = [x[first], x[second]]
    for _ in range(ROUNDS):
        nearest = bits.hamming(packed, bits.pack64(np.stack(rows))).argmin(axis=1)
        if not nearest.any():  # all samples are alike: one centroid serves both
            return [majority(x, ties)] * 2
        moved = [majority(x[nearest == number], ties) for number in (0, 1)]
        if all(np.array_equal(a, b) for a, b in zip(rows, moved, strict=True)):
            break
        rows = moved
    return rows
