"""EEGMMIDB: imagined opening and closing of the left or right fist, 64 electrodes, 160 Hz.

Schalk, McFarland, Hinterberger, Birbaumer, Wolpaw, "BCI2000: a general-purpose brain-computer interface (BCI) system",
IEEE Trans. Biomed. Eng. 51, 2004; PhysioNet EEG Motor Movement/Imagery Dataset 1.0.0 (Open Data Commons Attribution
License). Runs 4, 8 and 12 of subjects 1 to 54, 45 trials each: 4 s from the cue on, in microvolts.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from quant.datasets import edf
from quant.datasets.cache import cache_folder
from quant.datasets.download import fetch
from quant.datasets.montage import PHYSIONET, electrode
from quant.datasets.recordings import Recordings, check, joined, no_subject, wrong_rate
from quant.datasets.wheel import Say
from quant.errors import Problem, UserError

NAME = "eegmmidb"
CLASSES = ("left fist", "right fist")
CUES = ("T1", "T2")  # annotations of the two classes; T0 is rest
SUBJECTS = tuple(range(1, 55))
RUNS = (4, 8, 12)
FS, SAMPLES = 160.0, 640
PREPARED = "lr_64ch_s001-s054.npz"
URL = "https://physionet.org/files/eegmmidb/1.0.0/"
MEGABYTES = 2.5  # of one run
INSTEAD = (
    "connect to the network and retry: what has arrived is kept; or set EDGEKIT_DATA to a folder that holds "
    f"eegmmidb/S001/S001R04.edf and so on, or eegmmidb/{PREPARED}"
)


def recordings(say: Say, subjects: Sequence[int] | None = None) -> Recordings:
    """Trials (N, 64, 640) of ``subjects`` (default: 1 to 54); the session is the run: 4, 8 or 12.

    From ``$EDGEKIT_DATA/eegmmidb`` if that variable is set: the prepared file ``lr_64ch_s001-s054.npz``, or PhysioNet's
    own ``S001/S001R04.edf`` and so on. Otherwise those files are downloaded into the cache, 7.5 MB for each subject.

    Raises:
        UserError: an unknown subject; a file that is absent, damaged, or not EEGMMIDB; no network.
    """
    given = os.environ.get("EDGEKIT_DATA")
    if given and (prepared := Path(given) / NAME / PREPARED).is_file():
        return from_npz(prepared, subjects)
    wanted = SUBJECTS if subjects is None else subjects
    for subject in wanted:
        if subject not in SUBJECTS:
            raise no_subject(subject, NAME, SUBJECTS)
    folder = (Path(given) if given else cache_folder()) / NAME
    if not given:
        download(wanted, say)
    elif not folder.is_dir():
        fix = f"put {PREPARED} or PhysioNet's S001/S001R04.edf and so on there, or unset EDGEKIT_DATA to download them"
        raise UserError(Problem("this folder does not exist", str(folder), fix=fix))
    return joined([from_edf(folder / file_name(subject, run), subject, run) for subject in wanted for run in RUNS])


def from_npz(path: Path, subjects: Sequence[int] | None = None) -> Recordings:
    """Arrays x (trials, 64, 640) int16 in microvolts, y (0 left, 1 right), subject, run, channels, fs.

    Raises:
        UserError: an unknown subject; a file that is damaged or not EEGMMIDB.
    """
    try:
        with np.load(path) as arrays:
            found = Recordings(
                NAME,
                CLASSES,
                arrays["x"],
                arrays["y"].astype(np.int64),
                arrays["subject"].astype(np.int64),
                arrays["run"].astype(np.int64),
                tuple(electrode(str(name)) for name in arrays["channels"]),
                float(arrays["fs"]),
            )
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        needed = "arrays x, y, subject, run, channels, fs"
        raise UserError(Problem(f"not readable as EEGMMIDB: {error}", str(path), needed)) from error
    whole = check(found, str(path), PHYSIONET, FS)
    return whole if subjects is None else whole.of(*subjects)


def from_edf(path: Path, subject: int, run: int) -> Recordings:
    """The trials of one run.

    Raises:
        UserError: what :func:`edf.read` says; wrong rate, missing channels, no cues, a trial that is cut off, NaN.
    """
    recording = edf.read(path)
    if recording.fs != FS:
        raise UserError(wrong_rate(recording.fs, FS, str(path)))
    cues = [event for event in recording.events if event.text in CUES]
    if not cues:
        what = f"it has no trials with labels (annotations {' and '.join(CUES)})"
        raise UserError(Problem(what, str(path), fix="use runs 4, 8 and 12 with their annotations"))
    starts = [round(cue.onset * FS) for cue in cues]
    if max(starts) + SAMPLES > recording.x.shape[1]:
        what = f"the trial at {cues[int(np.argmax(starts))].onset:g} s lasts longer than the recording"
        raise UserError(Problem(what, str(path), fix="get the file again"))
    order, names = electrodes(recording.channels)
    found = Recordings(
        NAME,
        CLASSES,
        np.stack([recording.x[order, start : start + SAMPLES] for start in starts]),
        np.array([CUES.index(cue.text) for cue in cues]),
        np.full(len(cues), subject),
        np.full(len(cues), run),
        names,
        FS,
    )
    return check(found, str(path), PHYSIONET, FS)


def electrodes(labels: Sequence[str]) -> tuple[list[int], tuple[str, ...]]:
    """Rows of the known electrodes among ``labels``, in EEGMMIDB's order, and their names."""
    names = [electrode(label) for label in labels]
    known = tuple(name for name in PHYSIONET if name in names)
    return [names.index(name) for name in known], known


def file_name(subject: int, run: int) -> str:
    """As PhysioNet names it: ``S001/S001R04.edf``."""
    return f"S{subject:03}/S{subject:03}R{run:02}.edf"


def download(subjects: Sequence[int], say: Say) -> None:
    """The runs of ``subjects`` into the cache, each verified by the SHA-256 that PhysioNet publishes.

    Raises:
        UserError: no network, or damaged files.
    """
    lines = files(__package__).joinpath("eegmmidb.sha256").read_text(encoding="ascii").splitlines()
    published = {name: sha256 for sha256, name in map(str.split, lines)}
    names = [file_name(subject, run) for subject in subjects for run in RUNS]
    missing = [name for name in names if not (cache_folder() / NAME / name).is_file()]
    for number, name in enumerate(missing):
        if number % len(RUNS) == 0:
            done, total = (f"{count * MEGABYTES:.0f}" for count in (number, len(missing)))
            say(f"downloading EEGMMIDB into {cache_folder() / NAME}: {done} of {total} MB")
        fetch(URL + name, cache_folder() / NAME / name, published[name], INSTEAD)
