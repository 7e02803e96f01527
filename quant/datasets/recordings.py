"""Labelled EEG trials with everything that tells them apart: subject, session, electrode, sampling rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quant.errors import Problem, UserError

UNLABELLED = -1
NAMED = 6  # so many channels are named in a message


@dataclass(frozen=True, eq=False)
class Recordings:
    """Trials of one data set.

    Attributes:
        name: of the data set.
        classes: class names; label i means classes[i].
        x: (N, electrodes, T) in microvolts, float32, or int16 where the amplifier counted microvolts.
        y: int64 (N,), 0..len(classes)-1.
        subject: int64 (N,), numbered as the data set numbers them.
        session: int64 (N,): run number, or 0 and 1 for training and evaluation session.
        channels: names of the electrodes in the 10-10 system.
        fs: samples per second.
        cue: when the cue appears, in seconds after the first sample.
        divisor: by which the recording was down-sampled.
        note: what this is, where it is not a plain recording.
    """

    name: str
    classes: tuple[str, ...]
    x: NDArray[np.float32] | NDArray[np.int16]
    y: NDArray[np.int64]
    subject: NDArray[np.int64]
    session: NDArray[np.int64]
    channels: tuple[str, ...]
    fs: float
    cue: float = 0.0
    divisor: int = 1
    note: str = ""

    def __len__(self) -> int:
        return len(self.y)

    @property
    def subjects(self) -> tuple[int, ...]:
        """The subjects that occur, ascending."""
        return tuple(np.unique(self.subject).tolist())

    def select(self, which: ArrayLike) -> Recordings:
        """The trials that a mask (N,) or indices (M,) pick."""
        which = np.asarray(which)
        return replace(self, x=self.x[which], y=self.y[which], subject=self.subject[which], session=self.session[which])

    def of(self, *subjects: int) -> Recordings:
        """Those subjects' trials.

        Raises:
            UserError: there is no such subject.
        """
        known = self.subjects
        for subject in subjects:
            if subject not in known:
                raise no_subject(subject, self.name, known)
        return self.select(np.isin(self.subject, subjects))


def no_subject(subject: int, name: str, known: Sequence[int]) -> UserError:
    """The data set ``name`` has no such subject."""
    return UserError(Problem(f"it has no subject {subject}", f"data set '{name}'", ", ".join(map(str, known))))


def check(
    recordings: Recordings, where: str, channels: Sequence[str] | None = None, fs: float | None = None
) -> Recordings:
    """``recordings`` as they are, if everything about them is right.

    Args:
        where: the file, for messages.
        channels, fs: what they have to hold; None: anything.

    Raises:
        UserError: every fault found: sampling rate, channels, shapes, NaN, labels.
    """
    problems = [
        *_rate_problems(recordings, where, fs),
        *_channel_problems(recordings, where, channels),
        *_shape_problems(recordings, where),
    ]
    if not problems:
        problems = [*_value_problems(recordings, where), *_label_problems(recordings, where)]
    if problems:
        raise UserError(problems)
    return recordings


def _rate_problems(recordings: Recordings, where: str, fs: float | None) -> list[Problem]:
    if fs is None or recordings.fs == fs:
        return []
    return [wrong_rate(recordings.fs, fs, where)]


def wrong_rate(fs: float, expected: float, where: str) -> Problem:
    """It was recorded at another rate."""
    fix = "use the original recording, or resample it to that rate first"
    return Problem(f"it was sampled at {fs:g} Hz", where, f"{expected:g} Hz", fix)


def _channel_problems(recordings: Recordings, where: str, channels: Sequence[str] | None) -> list[Problem]:
    missing = [name for name in channels or () if name not in recordings.channels]
    return [missing_channels(missing, where)] if missing else []


def missing_channels(missing: Sequence[str], where: str) -> Problem:
    """Electrodes that have to be there are not."""
    named = ", ".join(missing[:NAMED]) + (f" and {len(missing) - NAMED} more" if len(missing) > NAMED else "")
    count = "1 channel is" if len(missing) == 1 else f"{len(missing)} channels are"
    return Problem(f"{count} missing: {named}", where, fix="use a recording that has them")


def _shape_problems(recordings: Recordings, where: str) -> list[Problem]:
    x, trials = recordings.x, len(recordings.y)
    problems = []
    if x.ndim != 3 or x.shape[:2] != (trials, len(recordings.channels)) or 0 in x.shape:
        what = f"shape {x.shape} with {trials} labels and {len(recordings.channels)} channel names"
        problems.append(Problem(what, where, "(trials, electrodes, samples), at least one trial"))
    for name in ("y", "subject", "session"):
        array = getattr(recordings, name)
        if array.shape != (trials,) or not np.issubdtype(array.dtype, np.integer):
            problems.append(
                Problem(f"{name} is {array.dtype} of shape {array.shape}", where, f"{trials} whole numbers")
            )
    return problems


def _value_problems(recordings: Recordings, where: str) -> list[Problem]:
    # A sum is finite only if all its terms are: no second array of the recording's size.
    finite = np.isfinite(recordings.x.sum(axis=2, dtype=np.float64))
    if finite.all():
        return []
    trial, electrode = np.argwhere(~finite)[0]
    bad = np.count_nonzero(~np.isfinite(recordings.x))
    what = f"{bad} samples are NaN or infinite, first in trial {trial}, channel {recordings.channels[electrode]}"
    return [Problem(what, where, fix="repair the recording, or remove these trials")]


def _label_problems(recordings: Recordings, where: str) -> list[Problem]:
    y, problems = recordings.y, []
    if unlabelled := int(np.count_nonzero(y == UNLABELLED)):
        what = f"{unlabelled} of {len(y)} trials have no label, first trial {np.argmax(y == UNLABELLED)}"
        problems.append(Problem(what, where, fix="get the labels of this session, or remove these trials"))
    wrong = (y != UNLABELLED) & ((y < 0) | (y >= len(recordings.classes)))
    if wrong.any():
        what = f"{np.count_nonzero(wrong)} labels are out of range, first {y[np.argmax(wrong)]}"
        meaning = ", ".join(f"{index} {name}" for index, name in enumerate(recordings.classes))
        problems.append(Problem(what, where, meaning))
    return problems


def joined(parts: Sequence[Recordings]) -> Recordings:
    """Recordings of the same electrodes and rate, one after the other."""
    return replace(
        parts[0],
        x=np.concatenate([part.x for part in parts]),
        y=np.concatenate([part.y for part in parts]),
        subject=np.concatenate([part.subject for part in parts]),
        session=np.concatenate([part.session for part in parts]),
    )
