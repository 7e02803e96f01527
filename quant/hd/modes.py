"""How the vectors of several bands become one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from quant import splitmix
from quant.hd.seeds import stream

Bits = NDArray[np.bool_]


def key(seed: int, dimension: int, band: int) -> Bits:
    """The random vector (D,) of a band; each band's begins with a whole 64-bit word of the stream."""
    return splitmix.bits(stream(seed, "keys"), band * -(-dimension // 64), dimension)


def combine(mode: str, bands: Iterable[Bits], count: int, seed: int) -> Bits:
    """One vector (N, D) of the vectors (N, D) of ``count`` bands; that of a single band stays as it is.

    Modes ``spatial`` and ``bind`` are explained at :class:`quant.hd.settings.Settings`.
    """
    ones: NDArray[np.uint16] | int = 0
    for number, vector in enumerate(bands):
        if count == 1:
            return vector
        if mode == "spatial":
            vector = vector ^ key(seed, vector.shape[1], number)
        ones = ones + vector.astype(np.uint16)
    return np.asarray(ones % 2 == 1 if mode == "bind" else ones > count // 2)
