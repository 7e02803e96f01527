"""Recorded values to network inputs: (recorded - offset) / span. Both travel inside the model as offset and gain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quant.errors import unknown

Values = NDArray[np.float32] | np.float32
Scaling = tuple[Values, Values]
"""offset and span, broadcastable to a sample."""


def unit_range(x: NDArray[np.float32]) -> Scaling:
    """Training values onto 0..1: scalars."""
    return x.min(), x.max() - x.min()


def none(x: NDArray[np.float32]) -> Scaling:
    """Values as recorded: scalars 0 and 1."""
    return np.float32(0.0), np.float32(1.0)


def per_channel(x: NDArray[np.float32]) -> Scaling:
    """Mean and standard deviation of each electrode over all trials and time steps: (1, electrodes, 1).

    44 numbers for 22 electrodes, so they can stay on the device, as one factor and one offset per electrode.

    Args:
        x: training trials (N, 1, electrodes, T).
    """
    return _moments(x, (0, 3))


def per_sample(x: NDArray[np.float32]) -> Scaling:
    """A mean and standard deviation for each electrode at each time step: (1, electrodes, T).

    What the published EEG-TCNet code does; 2 * 22 * 1125 numbers, for comparison with it.

    Args:
        x: training trials (N, 1, electrodes, T).
    """
    return _moments(x, (0,))


def _moments(x: NDArray[np.float32], axes: tuple[int, ...]) -> Scaling:
    """Mean and standard deviation over ``axes``, without the trials' axis; a constant has the span 1."""
    mean = x.mean(axis=axes, keepdims=True, dtype=np.float64)
    # One trial at a time: no float64 copy of the whole recording.
    squares = sum(np.square(trial[None] - mean).sum(axis=axes, keepdims=True) for trial in x)
    deviation = np.sqrt(squares / (x.size // mean.size))
    deviation[deviation == 0.0] = 1.0
    return mean[0].astype(np.float32), deviation[0].astype(np.float32)


METHODS: dict[str, Callable[[NDArray[np.float32]], Scaling]] = {
    "channel": per_channel,
    "sample": per_sample,
    "none": none,
}


def method(name: str) -> Callable[[NDArray[np.float32]], Scaling]:
    """The standardisation of that name.

    Raises:
        UserError: there is none; names the nearest one.
    """
    if name not in METHODS:
        raise unknown("standardisation", name, METHODS)
    return METHODS[name]
