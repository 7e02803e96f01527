"""Which trials train a network and which ones test it: always whole subjects, sessions or runs, never single trials.

Neighbouring trials of a run resemble each other more than trials of another day, so a split at random flatters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quant.datasets.dataset import Dataset
from quant.datasets.recordings import Recordings
from quant.datasets.standardize import method
from quant.errors import Problem, UserError, unknown


@dataclass(frozen=True, eq=False)
class Split:
    """Training and test trials by index into the recordings, int64."""

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def cross_subject(recordings: Recordings, folds: int = 5) -> list[Split]:
    """Nobody is in both parts: ``folds`` groups of neighbouring subjects, each the test part once.

    The groups are equal, or the first ones have one subject more.

    Raises:
        UserError: fewer subjects than folds, or fewer than two folds.
    """
    subjects = np.array(recordings.subjects)
    if not 2 <= folds <= len(subjects):
        what = f"{folds} folds of {len(subjects)} subjects"
        raise UserError(Problem(what, f"data set '{recordings.name}'", f"2 to {len(subjects)} folds"))
    return [
        _split(f"cross-subject fold {number} of {folds}", np.isin(recordings.subject, group))
        for number, group in enumerate(np.array_split(subjects, folds), 1)
    ]


def sessions(recordings: Recordings) -> Split:
    """Everybody's first session trains, the second one tests.

    Raises:
        UserError: they are not recordings of two sessions.
    """
    kinds = np.unique(recordings.session).tolist()
    if len(kinds) != 2:
        what = f"it has {len(kinds)} sessions ({', '.join(map(str, kinds))})"
        fix = "for recordings in runs use cross_subject or within_subject"
        raise UserError(Problem(what, f"data set '{recordings.name}'", "two, for training and evaluation", fix))
    return _split("session 1 to session 2", recordings.session == kinds[1])


def subject_sessions(recordings: Recordings, subject: int) -> Split:
    """One subject: the first session trains, the second one tests.

    Raises:
        UserError: no such subject, or not two sessions.
    """
    return _within(recordings, subject, lambda own: [sessions(own)])[0]


def within_subject(recordings: Recordings, subject: int) -> list[Split]:
    """One subject, each run (or session) the test part once.

    Raises:
        UserError: no such subject, or only one run.
    """
    return _within(recordings, subject, _leave_one_run_out)


def _leave_one_run_out(recordings: Recordings) -> list[Split]:
    runs = np.unique(recordings.session).tolist()
    if len(runs) < 2:
        raise UserError(Problem("there is only one run", f"data set '{recordings.name}'", "two runs or more"))
    return [_split(f"run {run}", recordings.session == run) for run in runs]


def _within(recordings: Recordings, subject: int, protocol: Callable[[Recordings], list[Split]]) -> list[Split]:
    """Splits of one subject's trials as indices into all of them."""
    own = recordings.of(subject)
    index = np.flatnonzero(recordings.subject == subject)
    return [Split(f"subject {subject}, {split.name}", index[split.train], index[split.test]) for split in protocol(own)]


def _split(name: str, test: NDArray[np.bool_]) -> Split:
    return Split(name, np.flatnonzero(~test), np.flatnonzero(test))


PROTOCOLS = ("cross-subject", "sessions", "within-subject")


def splits(recordings: Recordings, protocol: str, subject: int | None = None, folds: int = 5) -> list[Split]:
    """All splits of a protocol.

    Args:
        protocol: ``cross-subject`` (``folds`` splits); ``sessions`` (one split, of all subjects together or of one);
            ``within-subject`` (one subject, as many splits as runs).

    Raises:
        UserError: unknown protocol; a subject where none can be given or none where one has to be; recordings that
            the protocol does not apply to.
    """
    where = f"protocol '{protocol}'"
    if protocol == "cross-subject":
        if subject is not None:
            fix = "choose a fold, or the protocol within-subject"
            raise UserError(Problem("it trains on many subjects, so none can be chosen", where, fix=fix))
        return cross_subject(recordings, folds)
    if protocol == "sessions":
        return [sessions(recordings) if subject is None else subject_sessions(recordings, subject)]
    if protocol == "within-subject":
        if subject is None:
            raise UserError(Problem("no subject was chosen", where, fix="choose one of the data set's subjects"))
        return within_subject(recordings, subject)
    raise unknown("protocol", protocol, PROTOCOLS)


def dataset_of(recordings: Recordings, split: Split, standardize: str = "channel") -> Dataset:
    """What training takes: trials (N, 1, electrodes, T), scaled as the training part alone demands.

    Args:
        standardize: ``channel``, ``sample`` or ``none``.

    Raises:
        UserError: unknown standardisation.
    """
    scaling = method(standardize)
    x_train, x_test = (recordings.x[part][:, None].astype(np.float32, copy=False) for part in (split.train, split.test))
    offset, span = scaling(x_train)
    return Dataset(
        recordings.name,
        recordings.classes,
        x_train,
        recordings.y[split.train],
        x_test,
        recordings.y[split.test],
        offset,
        span,
        subject_test=recordings.subject[split.test],
        channels=recordings.channels,
        fs=recordings.fs,
        divisor=recordings.divisor,
        note=recordings.note,
        split=split.name,
    )
