"""Functions of one real that become tables; float64 in and out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Function = Callable[[Reals], Reals]


def elu(alpha: float = 1.0) -> Function:
    """x, or alpha * (e^x - 1) where x is negative."""
    return lambda x: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def leaky_relu(alpha: float = 0.01) -> Function:
    """x, or alpha * x where x is negative."""
    return lambda x: np.where(x < 0, alpha * x, x)


def sigmoid(x: Reals) -> Reals:
    """1 / (1 + e^-x), without overflow."""
    return np.exp(-np.logaddexp(0, -x))


def tanh(x: Reals) -> Reals:
    return np.tanh(x)
