"""Features of 16 bits in 8, as learned embeddings take them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quant.hd.embedding import Features
from quant.requant import Requant

LIMIT = 127
KEPT = 0.999  # share of the training values that are not clipped


def narrowing(x: Features) -> Requant:
    """s16 to s8 such that all but the largest training values x (any shape) keep their proportion."""
    largest = max(float(np.quantile(np.abs(x.astype(np.int64)), KEPT)), 1.0)
    return Requant.from_real(LIMIT / largest, zero_point=0, lo=-LIMIT, hi=LIMIT)


def narrowed(requant: Requant, x: Features) -> NDArray[np.int64]:
    """Features as the graph requantizes them."""
    return requant.apply(x.astype(np.int64))


def rounded(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Real weights as integers -127..127, the largest of them one of the two."""
    return np.rint(weights * (LIMIT / (np.abs(weights).max() or 1.0))).astype(np.int64)
