"""Made-up features of a few classes, and the published formulas in floating point."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def trials(count: int, bands: int, features: int, classes: int, seed: int = 0, spread: float = 900.0) -> tuple:
    """int16 (count, bands, features) around a random centre per class, and labels (count,), every class in turn."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(12345).normal(0, 900, (classes, bands, features))
    y = np.arange(count) % classes
    x = centres[y] + rng.normal(0, spread, (count, bands, features))
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16), y.astype(np.int64)


def published_level(x: NDArray, code: str, bits: int) -> list[int]:
    """Levels of one sample by the published formula in float64, truncating towards zero."""
    mean, deviation = float(np.mean(x)), math.sqrt(float(np.var(x)))
    count = bits if code == "thermometer" else bits * (bits - 1) // 2
    scale = 3 * deviation if code == "thermometer" else deviation
    raw = [int((value - mean) / scale * count + (count - 1) / 2) for value in x.tolist()]
    return [min(max(level, 0), count - 1) for level in raw]
