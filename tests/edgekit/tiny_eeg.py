"""A data set small enough to train on in a test: three people, two sessions, 8 electrodes, half a second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quant.datasets import Source
from quant.datasets.choice import Choice
from quant.datasets.montage import SUBSETS
from quant.datasets.recordings import Recordings, no_subject

TINY, PEOPLE = "tiny-eeg", (1, 2, 3)
FS, SAMPLES, TRIALS = 160.0, 96, 20


def recordings(people: Sequence[int] | None = None) -> Recordings:
    """Class 1 has a 12 Hz rhythm on the first electrode, class 0 on the last one."""
    parts = []
    for person in people or PEOPLE:
        if person not in PEOPLE:
            raise no_subject(person, TINY, PEOPLE)
        rng = np.random.default_rng(person)
        y = np.arange(2 * TRIALS) % 2
        x = rng.normal(0, 4, (len(y), 8, SAMPLES))
        wave = 12 * np.sin(2 * np.pi * (12 * np.arange(SAMPLES) / FS + rng.uniform(size=(len(y), 1))))
        x[y == 1, 0] += wave[y == 1]
        x[y == 0, 7] += wave[y == 0]
        parts.append((x.astype(np.float32), y, np.full(len(y), person), np.repeat([0, 1], TRIALS)))
    x, y, subject, session = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Recordings(TINY, ("last", "first"), x, y, subject, session, SUBSETS[8], FS, note="made up for a test")


SOURCE = Source(
    TINY, "", "", recordings=lambda say, people: recordings(people), default=Choice("whole", "cross-subject")
)
