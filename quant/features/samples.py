"""Windows as a converter would give them: int16 steps. What cannot be a recording is refused here."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quant.errors import Problem, UserError

MOST = 1 << 14  # steps that the largest training sample takes: half of the range is left for later recordings
NAMED = 3  # of the places that a message lists


def unit_of(x: ArrayLike) -> float:
    """What one step stands for: 1 for recordings in whole numbers that fit, otherwise a power of two.

    Raises:
        UserError: a sample is not finite.
    """
    values = np.asarray(x)
    refuse_not_finite(values)
    largest = float(np.abs(values).max(initial=0.0))
    whole = values.dtype.kind in "iu" or np.array_equal(values, np.rint(values))
    if largest == 0.0 or (whole and largest <= 2 * MOST - 1):
        return 1.0
    return 2.0 ** ceil(log2(largest / MOST))


def steps(x: ArrayLike, unit: float, channels: Sequence[str] = ()) -> NDArray[np.int16]:
    """Windows (N, C, T) in steps of ``unit``, rounded half up, clipped to int16.

    Raises:
        UserError: a sample is not finite, a channel is constant, or windows hold too few samples for a covariance.
    """
    values = np.asarray(x)
    refuse_not_finite(values, channels)
    count, length = values.shape[1:]
    if length <= count:
        what = f"windows of {length} samples are too short: the covariance of {count} channels would not have full rank"
        raise UserError(Problem(what, "Riemannian features", f"more than {count} samples", "take longer windows"))
    found = np.clip(np.floor(values / np.float64(unit) + 0.5), -(1 << 15), (1 << 15) - 1).astype(np.int16)
    flat = np.argwhere(np.ptp(found, axis=2) == 0)
    if len(flat):
        fix = "leave out these trials, or the channel if it is dead in all of them"
        raise UserError(Problem(f"{len(flat)} channels are constant", _places(flat, channels), fix=fix))
    return found


def refuse_not_finite(values: NDArray, channels: Sequence[str] = ()) -> None:
    """Raise UserError where a sample of (N, C, T) is NaN or infinite."""
    if values.dtype.kind in "iu" or np.isfinite(values).all():
        return
    places = np.argwhere(~np.isfinite(values).all(axis=2))
    what = f"{np.count_nonzero(~np.isfinite(values))} samples are NaN or infinite"
    raise UserError(Problem(what, _places(places, channels), fix="leave out these trials, or repair them"))


def _places(found: NDArray, channels: Sequence[str]) -> str:
    words = [f"trial {trial}, channel {channels[c] if channels else c}" for trial, c in found[:NAMED].tolist()]
    return "; ".join(words) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")
