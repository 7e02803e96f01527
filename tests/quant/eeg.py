"""Small made-up recordings for the tests of data sets and protocols."""

import numpy as np

from quant.datasets.recordings import Recordings

CHANNELS = ("C3", "Cz", "C4")


def recordings(
    subjects: int = 4, sessions: tuple[int, ...] = (0, 1), trials: int = 4, samples: int = 32, **change: object
) -> Recordings:
    """``trials`` trials of two classes for each subject (1, 2, ...) and session, 3 electrodes at 16 Hz."""
    count = subjects * len(sessions) * trials
    x = np.random.default_rng(0).normal(size=(count, len(CHANNELS), samples)).astype(np.float32)
    parts = {
        "name": "made-up",
        "classes": ("left", "right"),
        "x": x,
        "y": np.arange(count) % 2,
        "subject": np.repeat(np.arange(1, subjects + 1), len(sessions) * trials),
        "session": np.tile(np.repeat(sessions, trials), subjects),
        "channels": CHANNELS,
        "fs": 16.0,
    }
    return Recordings(**parts | change)
