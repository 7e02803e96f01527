"""BCI Competition IV, data set 2a: left hand, right hand, feet or tongue, 22 electrodes, 250 Hz, 9 subjects.

Tangermann et al., "Review of the BCI Competition IV", Front. Neurosci. 6, 2012. As MATLAB files of the BNCI Horizon
2020 project (data set 001-2014): ``A01T.mat`` (training session) and ``A01E.mat`` (evaluation session) to ``A09E.mat``.
Each holds ``data``, a cell array of runs with the fields

    X          samples x 25 channels in microvolts: 22 electrodes, 3 of the eyes
    trial      first sample of each trial, counted from 1; a cue follows after 2 s
    y          1 left hand, 2 right hand, 3 feet, 4 tongue
    fs         250
    classes    names of the classes
    artifacts  1 where an expert saw an artifact in the trial

Runs without trials record the eyes and are skipped; trials with artifacts are left out, as in the published results.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quant.datasets.cache import cache_folder
from quant.datasets.montage import BCI_IV_2A
from quant.datasets.recordings import UNLABELLED, Recordings, check, joined, missing_channels, no_subject, wrong_rate
from quant.datasets.wheel import Say
from quant.errors import Problem, UserError

NAME = "bci-iv-2a"
CLASSES = ("left hand", "right hand", "feet", "tongue")
SUBJECTS = tuple(range(1, 10))
SESSIONS = "TE"
FS = 250.0
START, END, CUE = 1.5, 6.0, 2.0  # seconds after the first sample of a trial
FIELDS = ("X", "trial", "y", "fs", "artifacts")
SUPPORTED = "a MATLAB file of BNCI Horizon 2020, data set 001-2014"
INSTEAD = "set EDGEKIT_DATA to a folder that holds bci-iv-2a/A01T.mat and so on, or pip install 'edgekit[eeg]'"


def recordings(say: Say, subjects: Sequence[int] | None = None) -> Recordings:
    """Trials (N, 22, 1125) of ``subjects`` (default: 1 to 9) without artifacts, 0.5 s before the cue to 4 s after it;
    session 0 is training, 1 evaluation.

    From ``$EDGEKIT_DATA/bci-iv-2a`` if that variable is set, else from ``bci-iv-2a`` in the cache where the files are
    there, else through MOABB, which downloads them.

    Raises:
        UserError: an unknown subject; a file that is absent, damaged or wrong; neither files nor MOABB.
    """
    wanted = SUBJECTS if subjects is None else subjects
    for subject in wanted:
        if subject not in SUBJECTS:
            raise no_subject(subject, NAME, SUBJECTS)
    parts = []
    for subject in wanted:
        for session, path in enumerate(_paths(subject, say)):
            parts.append(from_mat(path, subject, session))
    return joined(parts)


def _paths(subject: int, say: Say) -> list[Path]:
    """Training and evaluation file of a subject."""
    given = os.environ.get("EDGEKIT_DATA")
    folder = (Path(given) if given else cache_folder()) / NAME
    paths = [folder / f"A{subject:02}{session}.mat" for session in SESSIONS]
    if given or all(path.is_file() for path in paths):
        return paths
    try:
        from moabb.datasets import BNCI2014_001
    except ImportError as error:
        raise UserError(Problem("there are no recordings here", NAME, fix=INSTEAD)) from error
    say(f"{NAME}: subject {subject} through MOABB, which downloads what it has not yet")
    return [Path(path) for path in BNCI2014_001().data_path(subject)]


def from_mat(path: Path, subject: int, session: int) -> Recordings:
    """The trials of one session.

    Raises:
        UserError: the file is absent, truncated or of another layout; wrong rate, missing channels, NaN, trials without
            label or cut off.
    """
    where = str(path)
    kept = [run for run in _runs(path) if np.size(run.trial)]
    if not kept:
        raise UserError(Problem("it has no run with trials", where, SUPPORTED))
    for run in kept:
        _check_run(run, where)
    starts = [_starts(run) for run in kept]
    x = np.concatenate([_cut(run, own, where) for run, own in zip(kept, starts, strict=True)])
    y = np.concatenate([_labels(run, len(own)) for run, own in zip(kept, starts, strict=True)])
    clean = np.concatenate([np.ravel(run.artifacts) == 0 for run in kept])
    count = int(clean.sum())
    numbers = (np.full(count, subject), np.full(count, session))
    cue = CUE - START
    return check(Recordings(NAME, CLASSES, x[clean], y[clean], *numbers, BCI_IV_2A, FS, cue), where, BCI_IV_2A, FS)


def _runs(path: Path) -> list[Any]:
    """The runs, each with the fields that the layout demands."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    where = str(path)
    if not path.is_file():
        raise UserError(Problem("this file does not exist", where, SUPPORTED, INSTEAD))
    damaged = (MatReadError, ValueError, TypeError, OSError, EOFError, LookupError, NotImplementedError, zlib.error)
    try:
        content = loadmat(path, struct_as_record=False, squeeze_me=True)
    except damaged as error:
        what = f"not readable as MATLAB file: {error or type(error).__name__}"
        raise UserError(Problem(what, where, SUPPORTED, "it may be cut off: get it again")) from error
    runs = np.atleast_1d(content.get("data", [])).tolist()
    lacking = [name for name in FIELDS if not all(hasattr(run, name) for run in runs)]
    if not runs or lacking:
        what = f"its runs lack the fields {', '.join(lacking)}" if runs else "it holds no variable 'data'"
        raise UserError(Problem(what, where, SUPPORTED))
    return runs


def _check_run(run: Any, where: str) -> None:
    """Rate, channels and class names of one run."""
    if run.fs != FS:
        raise UserError(wrong_rate(float(run.fs), FS, where))
    signals = np.asarray(run.X)
    columns = signals.shape[1] if signals.ndim == 2 and np.issubdtype(signals.dtype, np.number) else 0
    if columns < len(BCI_IV_2A):
        raise UserError(missing_channels(BCI_IV_2A[columns:], where))
    if np.size(run.artifacts) != np.size(run.trial):
        what = f"a run has {np.size(run.trial)} trials and {np.size(run.artifacts)} artifact flags"
        raise UserError(Problem(what, where, SUPPORTED))
    names = [str(name).strip().lower() for name in np.ravel(getattr(run, "classes", CLASSES))]
    if names != list(CLASSES):
        raise UserError(Problem(f"its classes are {', '.join(names)}", where, ", ".join(CLASSES)))


def _starts(run: Any) -> NDArray[np.int64]:
    """First sample of the window of each trial, counted from 0."""
    return np.ravel(run.trial).astype(np.int64) - 1 + round(START * FS)


def _cut(run: Any, starts: NDArray[np.int64], where: str) -> NDArray[np.float32]:
    """The windows of all trials: (trials, 22, 1125)."""
    length = round((END - START) * FS)
    if starts.min() < 0 or starts.max() + length > len(run.X):
        what = f"a trial begins at sample {starts.max() + 1 - round(START * FS)}, the run has {len(run.X)}"
        raise UserError(Problem(what, where, SUPPORTED, "it may be cut off: get it again"))
    signals = np.asarray(run.X, np.float32)[:, : len(BCI_IV_2A)].T
    return np.stack([signals[:, start : start + length] for start in starts])


def _labels(run: Any, count: int) -> NDArray[np.int64]:
    """Class of each trial from 0 on; UNLABELLED where the file has none."""
    labels = np.ravel(run.y).astype(np.float64)
    if len(labels) != count:
        return np.full(count, UNLABELLED)
    return np.where(labels > 0, labels - 1, UNLABELLED).astype(np.int64)
