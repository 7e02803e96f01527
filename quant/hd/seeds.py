"""One seed per classifier, a stream of random words for each thing that is drawn.

A device makes the words again with SplitMix64 (:mod:`quant.splitmix`), so that a model holds seeds, no matrices.
"""

from __future__ import annotations

from typing import Literal

from quant import splitmix

Purpose = Literal["projection", "keys", "ties", "targets", "centroids"]
PURPOSES: tuple[Purpose, ...] = ("projection", "keys", "ties", "targets", "centroids")


def stream(seed: int, purpose: Purpose) -> int:
    """The seed of one stream: word number ``PURPOSES.index(purpose)`` of ``seed``."""
    return int(splitmix.words(seed, PURPOSES.index(purpose), 1)[0])
