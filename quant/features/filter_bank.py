"""The bands of the multi-scale Riemannian features and their filters.

Hersche, Rellstab, Schiavone, Cavigelli, Benini, Rahimi, "Fast and accurate multiclass inference for MI-BCIs using
large multiscale temporal and spectral features", EUSIPCO 2018.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quant.errors import Problem, UserError, unknown

Band = tuple[int, int]  # Hz
FIRST, LAST = 4, 40  # Hz
BANKS = {"43": (2, 4, 8, 16, 32), "18": (2,)}
"""Widths in Hz of the bands of each bank. Bands of 2 Hz follow each other, wider ones begin 4 Hz apart."""


def bands(bank: str) -> list[Band]:
    """The bank's bands between 4 and 40 Hz, narrow ones first; raises UserError for an unknown bank.

    >>> len(bands("43")), bands("43")[-1], len(bands("18"))
    (43, (8, 40), 18)
    """
    if bank not in BANKS:
        raise unknown("filter bank", bank, BANKS)
    return [
        (low, low + width) for width in BANKS[bank] for low in range(FIRST, LAST - width + 1, 2 if width == 2 else 4)
    ]


def sections(chosen: list[Band], fs: float) -> NDArray[np.float64]:
    """Second-order sections (bands, 2, 6) of causal Butterworth band-passes of order 2.

    Raises:
        UserError: the recording is too slow for a band.
    """
    from scipy.signal import butter

    highest = max(high for _, high in chosen)
    if not highest < fs / 2:
        what = f"{fs:g} samples per second are too few for bands up to {highest} Hz"
        raise UserError(Problem(what, "filter bank", f"more than {2 * highest} per second"))
    return np.stack([butter(2, band, "bandpass", fs=fs, output="sos") for band in chosen])
