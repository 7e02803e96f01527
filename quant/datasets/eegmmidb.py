"""EEGMMIDB: imagined opening and closing of the left or right fist, 64 electrodes, 160 Hz.

Schalk, McFarland, Hinterberger, Birbaumer, Wolpaw, "BCI2000: a general-purpose brain-computer interface (BCI) system",
IEEE Trans. Biomed. Eng. 51, 2004; PhysioNet EEG Motor Movement/Imagery Dataset 1.0.0 (Open Data Commons Attribution
License). Runs 4, 8 and 12 of subjects 1 to 54, 45 trials each: 4 s from the cue on, as microvolts.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from quant.datasets.montage import PHYSIONET, electrode
from quant.datasets.recordings import Recordings, check
from quant.datasets.wheel import Say
from quant.errors import Problem, UserError

NAME = "eegmmidb"
CLASSES = ("left fist", "right fist")
SUBJECTS = tuple(range(1, 55))
RUNS = (4, 8, 12)
FS, SAMPLES = 160.0, 640
PREPARED = "lr_64ch_s001-s054.npz"


def recordings(say: Say, subjects: Sequence[int] | None = None) -> Recordings:
    """Trials (N, 64, 640) of ``subjects`` (default: 1 to 54); the session is the run, 4, 8 or 12.

    They come from ``$EDGEKIT_DATA/eegmmidb/lr_64ch_s001-s054.npz`` where that variable is set.

    Raises:
        UserError: the file is absent, damaged or not EEGMMIDB; an unknown subject.
    """
    folder = os.environ.get("EDGEKIT_DATA")
    if folder is None:
        raise UserError(Problem("EDGEKIT_DATA is not set", NAME))
    return from_npz(Path(folder) / NAME / PREPARED, subjects)


def from_npz(path: Path, subjects: Sequence[int] | None = None) -> Recordings:
    """Arrays x (trials, 64, 640) int16 in microvolts, y (0 left, 1 right), subject, run, channels, fs.

    Raises:
        UserError: what :func:`recordings` says.
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
