"""Writes files of the layout in which BCI Competition IV-2a is published as MATLAB files."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat

TRIALS, LENGTH = 8, 2000  # of a run; samples from one trial to the next


def run(seed: int = 0, trials: int = TRIALS, **change: Any) -> dict[str, Any]:
    """One run: 25 channels, a trial every 8 s; as savemat takes it."""
    x = np.random.default_rng(seed).normal(0, 10, (LENGTH * (trials + 1), 25))
    classes = np.array(["left hand", "right hand", "feet", "tongue"], object)
    return {
        "X": x,
        "trial": 250.0 + LENGTH * np.arange(trials)[:, None],
        "y": 1.0 + np.arange(trials)[:, None] % 4,
        "fs": 250.0,
        "classes": classes,
        "artifacts": np.zeros((trials, 1)),
        "gender": "female",
        "age": 22.0,
    } | change


def written(path: Path, *runs: dict[str, Any]) -> Path:
    """A file with a run that records the eyes, then ``runs``."""
    eyes = run(trials=0, X=np.zeros((500, 25)), trial=np.zeros((0, 0)), y=np.zeros((0, 0)), artifacts=np.zeros((0, 0)))
    cell = np.empty((1, 1 + len(runs)), object)
    for column, content in enumerate((eyes, *runs)):
        cell[0, column] = content
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"data": cell}, do_compression=True)
    return path
