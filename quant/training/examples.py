"""A few test samples with what the networks make of them, for people to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DECIMALS = 4


def examples(
    x: NDArray[np.float32], true: NDArray[np.int64], floating: NDArray[np.int64], integer: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """Of every class that occurs, the first sample that the integer network gets right and the first it gets wrong.

    Args:
        x: recorded values, before scaling, (N, *shape).
        true, floating, integer: classes (N,): the labels, the float network's and the integer network's answers.

    Returns:
        By class, right before wrong: ``index`` (position in ``x``), ``values`` (rounded to 4 decimals; see
        :func:`recorded`), and the classes ``true``, ``float`` and ``int8``.
    """
    chosen = [
        index
        for label in np.unique(true)
        for answer in (integer == true, integer != true)
        for index in np.flatnonzero((true == label) & answer)[:1].tolist()
    ]
    return [
        {
            "index": index,
            "values": recorded(x[index]),
            "true": int(true[index]),
            "float": int(floating[index]),
            "int8": int(integer[index]),
        }
        for index in chosen
    ]


def recorded(sample: NDArray[np.float32]) -> list[float] | list[list[float]]:
    """One sample (channels, *shape) or (values,): a flat list of one channel, else one flat list per channel.

    Electrodes count as channels, although networks see them as rows of one: (1, electrodes, T).
    """
    if sample.ndim == 3 and len(sample) == 1:
        sample = sample[0]
    channels = len(sample) if sample.ndim > 1 else 1
    rows: list[list[float]] = sample.astype(np.float64).round(DECIMALS).reshape(channels, -1).tolist()
    return rows[0] if channels == 1 else rows
