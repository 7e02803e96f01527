"""What a network sees of a recording: which electrodes, which seconds, how many samples per second."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from quant.datasets.montage import SUBSETS
from quant.datasets.recordings import Recordings, missing_channels
from quant.errors import Problem, UserError, unknown

DIVISORS = (1, 2, 3)
ORDER = 8  # of the anti-alias filter, Chebyshev type I with 0.05 dB ripple
Filter = Callable[[NDArray[np.float64]], NDArray[np.float64]]
CHUNK = 128  # trials filtered at a time: float64 copies stay small


@dataclass(frozen=True)
class Excerpt:
    """Electrodes, window and rate, applied in that order.

    Attributes:
        electrodes: how many, one of :data:`montage.SUBSETS` (64, 38, 27, 22, 19, 8); None takes all.
        divisor: 1 to 3: an order-8 Chebyshev-I anti-alias filter, then every so many-th sample. As in the published
            code (``scipy.signal.decimate`` on each trial's window) the filter runs forwards and backwards, so that it
            shifts nothing; a device that filters while it records needs a causal one.
        start: seconds after the cue with which the window begins.
        seconds: how long the window lasts; None takes the trial as it was cut.
        rate_hz: resampled to that rate by a polyphase filter, each trial by itself, with its ends extended along a
            line; None keeps the rate.

    The window holds ceil(fs * seconds / divisor) samples.
    """

    electrodes: int | None = None
    divisor: int = 1
    seconds: float | None = None
    rate_hz: float | None = None
    start: float = 0.0

    def __post_init__(self) -> None:
        problems = []
        if self.electrodes is not None and self.electrodes not in SUBSETS:
            counts = ", ".join(map(str, SUBSETS))
            problems.append(Problem(f"there is no subset of {self.electrodes} electrodes", "excerpt", counts))
        if self.divisor not in DIVISORS:
            problems.append(Problem(f"divisor is {self.divisor}", "excerpt", ", ".join(map(str, DIVISORS))))
        for name in ("seconds", "rate_hz"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                problems.append(Problem(f"{name} is {value}", "excerpt", "a positive number"))
        if not self.start >= 0 or (self.start and self.seconds is None):
            what = f"start is {self.start} with seconds {self.seconds}"
            problems.append(Problem(what, "excerpt", "0 and above, of a window of so many seconds"))
        if problems:
            raise UserError(problems)

    def apply(self, recordings: Recordings) -> Recordings:
        """The excerpt of every trial.

        Raises:
            UserError: a channel is missing, or the trials are shorter than the window.
        """
        return self._slowed(self._resampled(self._window(self._electrodes(recordings))))

    def _electrodes(self, recordings: Recordings) -> Recordings:
        if self.electrodes is None or SUBSETS[self.electrodes] == recordings.channels:
            return recordings
        names = SUBSETS[self.electrodes]
        if missing := [name for name in names if name not in recordings.channels]:
            raise UserError(missing_channels(missing, f"data set '{recordings.name}'"))
        columns = [recordings.channels.index(name) for name in names]
        return replace(recordings, x=recordings.x[:, columns], channels=names)

    def _window(self, recordings: Recordings) -> Recordings:
        if self.seconds is None:
            return recordings
        start = round((recordings.cue + self.start) * recordings.fs)
        length = round(self.seconds * recordings.fs)
        if start + length > recordings.x.shape[2]:
            available, wanted = recordings.x.shape[2] / recordings.fs - recordings.cue, self.start + self.seconds
            what = f"its trials last {available:g} s after the cue, {wanted:g} s are asked for"
            raise UserError(Problem(what, f"data set '{recordings.name}'", fix="choose a shorter window"))
        return replace(recordings, x=recordings.x[:, :, start : start + length], cue=0.0)

    def _resampled(self, recordings: Recordings) -> Recordings:
        if self.rate_hz is None or self.rate_hz == recordings.fs:
            return recordings
        from scipy.signal import resample_poly

        ratio = Fraction(self.rate_hz / recordings.fs).limit_denominator(1000)
        samples = ceil(recordings.x.shape[2] * ratio)

        def part(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return resample_poly(x, ratio.numerator, ratio.denominator, axis=2, padtype="line")

        note = (
            f"trials of {recordings.x.shape[2] / recordings.fs:g} s resampled from {recordings.fs:g} to "
            f"{self.rate_hz:g} Hz: {recordings.x.shape[1]} x {samples} samples"
        )
        notes = "; ".join(filter(None, (recordings.note, note)))
        return replace(recordings, x=_by_chunks(part, recordings.x, samples), fs=float(self.rate_hz), note=notes)

    def _slowed(self, recordings: Recordings) -> Recordings:
        if self.divisor == 1:
            return recordings
        from scipy.signal import decimate

        samples = ceil(recordings.x.shape[2] / self.divisor)

        def part(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return decimate(x, self.divisor, ORDER, "iir", axis=2, zero_phase=True)

        slow = _by_chunks(part, recordings.x, samples)
        fs, divisor = recordings.fs / self.divisor, recordings.divisor * self.divisor
        return replace(recordings, x=slow, fs=fs, divisor=divisor)


def _by_chunks(filtered: Filter, x: NDArray, samples: int) -> NDArray[np.float32]:
    """``filtered`` on float64 copies of a few trials at a time; (N, electrodes, samples)."""
    out = np.empty((*x.shape[:2], samples), np.float32)
    for start in range(0, len(x), CHUNK):
        out[start : start + CHUNK] = filtered(x[start : start + CHUNK].astype(np.float64))
    return out


EXCERPTS = {
    "whole": Excerpt(),
    "edge-64": Excerpt(64, seconds=3.0),
    "edge-38": Excerpt(38, divisor=3, seconds=3.0),
    "edge-m7": Excerpt(38, divisor=3, seconds=2.0),
    "edge-m4f": Excerpt(38, divisor=3, seconds=1.0),
    "motor-22": Excerpt(22, rate_hz=250.0),
    "motor-22-1125": Excerpt(22, rate_hz=281.25),
    "imagery-22": Excerpt(22, start=0.5, seconds=3.5),
}
"""Excerpts by name. ``whole``: as recorded. ``edge-*``: the published EEGNet sizes for 160 Hz recordings: 64 x 480,
38 x 160, 38 x 107 and 38 x 54 samples. ``motor-22``: electrodes and rate of BCI Competition IV-2a; the trials of
EEGMMIDB last 4 s, not 4.5 s, and become 22 x 1000 samples. ``motor-22-1125`` stretches those to the published 22 x 1125
samples, for running networks of exactly that shape on real trials. ``imagery-22``: what Riemannian features are
published on, those electrodes from 0.5 s after the cue on: 22 x 875 samples at 250 Hz, 22 x 560 at 160 Hz."""


DESCRIBED = re.compile(r"(\d+)ch(?:-ds(\d))?(?:-(\d+(?:\.\d+)?)s)?")
DESCRIPTION = "electrodes, divisor and seconds as in 38ch-ds3-1s"


def is_excerpt(name: str) -> bool:
    """Whether :func:`excerpt` understands ``name``."""
    return name in EXCERPTS or DESCRIBED.fullmatch(name) is not None


def excerpt(name: str) -> Excerpt:
    """The excerpt of that name, or the one that ``38ch-ds3-1s`` describes: electrodes, divisor, seconds.

    Divisor and seconds may be left out: 1, and the whole trial.

    Raises:
        UserError: there is none (names the nearest one), or no such subset of electrodes or divisor.
    """
    if name in EXCERPTS:
        return EXCERPTS[name]
    if (parts := DESCRIBED.fullmatch(name)) is None:
        raise unknown("excerpt", name, (*EXCERPTS, "38ch-ds3-1s"))
    electrodes, divisor, seconds = parts.groups()
    return Excerpt(int(electrodes), int(divisor or 1), float(seconds) if seconds else None)
