"""Made-up motor-imagery EEG of the shape of BCI Competition IV-2a, so that everything runs without a recording.

What real motor imagery does to the EEG, and nothing else: rhythms of the sensorimotor cortex weaken over the part of
it that controls the imagined limb (event-related desynchronisation; Pfurtscheller, Lopes da Silva, Clin. Neurophysiol.
110, 1999). Figures on it say that a pipeline works; they say nothing about accuracy on people.

Each trial is the sum of

* four cortical areas (left hand, right hand, feet, tongue), each a mu (around 10 Hz) and a beta rhythm (around 20 Hz)
  of band-limited noise, spread over the electrodes around it by a Gaussian of 1.2 steps of the 10-10 grid. From 0.5 s
  after the cue the rhythms of the imagined limb's area lose a part of their amplitude. Hands lie on the opposite side
  (C4 for the left one), feet at Cz, the tongue on both sides below the hands (C5 and C6);
* background activity with a power of 1/f, smeared over neighbouring electrodes, and white amplifier noise.

Subjects differ in the rhythms' frequencies and strengths and in how much they weaken; the second session differs a
little from the first. The same numbers come out on every call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quant.datasets.montage import BCI_IV_2A, position
from quant.datasets.recordings import Recordings, joined, no_subject

NAME = "synthetic-eeg"
CLASSES = ("left hand", "right hand", "feet", "tongue")
AREAS = (("C4",), ("C3",), ("Cz",), ("C5", "C6"))  # that weaken, by class
SUBJECTS = (1, 2, 3, 4)
SESSIONS, TRIALS = 2, 72  # trials of each session
FS, SECONDS, CUE = 250.0, 4.5, 0.5
SPREAD, SMEAR = 1.2, 1.0  # of rhythms and of background activity, in steps of the 10-10 grid
BACKGROUND, RHYTHM, NOISE = 8.0, 12.0, 1.0  # microvolts, root mean square
MU, BETA = (10.0, 1.0), (20.0, 2.0)  # centre and deviation in Hz
BETA_SHARE = 0.5  # amplitude relative to mu
ONSET, RAMP = 0.5, 0.4  # seconds after the cue
NOTE = "synthetic EEG made by a formula, nobody's recording"


@dataclass(frozen=True)
class Person:
    """What differs between subjects and sessions: centre frequencies in Hz, strength and loss of each area's rhythm."""

    mu: float
    beta: float
    strength: NDArray[np.float64]
    loss: float


def recordings(subjects: Sequence[int] | None = None, seed: int = 0) -> Recordings:
    """Both sessions of ``subjects`` (default: 1 to 4), 18 trials of every class in each; (N, 22, 1125) at 250 Hz.

    A subject's trials do not depend on which others are asked for.

    Raises:
        UserError: there is no such subject.
    """
    subjects = SUBJECTS if subjects is None else subjects
    for subject in subjects:
        if subject not in SUBJECTS:
            raise no_subject(subject, NAME, SUBJECTS)
    return joined([_session(subject, session, seed) for subject in subjects for session in range(SESSIONS)])


def _session(subject: int, session: int, seed: int) -> Recordings:
    rng = np.random.default_rng((seed, subject))
    base = Person(rng.normal(MU[0], 0.7), rng.normal(BETA[0], 1.0), rng.uniform(0.8, 1.2, 4), rng.uniform(0.55, 0.8))
    rng = np.random.default_rng((seed, subject, session))
    drift = rng.normal(1.0, 0.05, 4)
    person = Person(base.mu + rng.normal(0, 0.2), base.beta + rng.normal(0, 0.4), base.strength * drift, base.loss)
    y = rng.permutation(np.arange(TRIALS) % len(CLASSES))
    number = np.full(TRIALS, session, np.int64)
    owner = np.full(TRIALS, subject, np.int64)
    return Recordings(NAME, CLASSES, _trials(person, y, rng), y, owner, number, BCI_IV_2A, FS, CUE, note=NOTE)


def _trials(person: Person, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    samples = round(FS * SECONDS)
    kept = 1.0 - _course(samples) * person.loss * rng.uniform(0.7, 1.1, (len(y), 1))
    envelope = np.where(y[:, None, None] == np.arange(len(AREAS))[:, None], kept[:, None], 1.0)
    shape = (len(y), len(AREAS), samples)
    rhythm = _band(rng, shape, person.mu, MU[1]) + BETA_SHARE * _band(rng, shape, person.beta, BETA[1])
    rhythm *= RHYTHM * person.strength[:, None] * envelope
    background = BACKGROUND * _pink(rng, (len(y), len(BCI_IV_2A), samples))
    x = np.einsum("ea,nat->net", _projection(), rhythm) + np.einsum("ef,nft->net", _smear(), background)
    return (x + NOISE * rng.normal(size=x.shape)).astype(np.float32)


def _course(samples: int) -> NDArray[np.float64]:
    """0 before the onset, 1 after the ramp: (samples,)."""
    return np.clip((np.arange(samples) / FS - CUE - ONSET) / RAMP, 0.0, 1.0)


def _projection() -> NDArray[np.float64]:
    """Weight of each area at each electrode: (electrodes, areas)."""
    columns = [sum(_gaussian([position(name)], SPREAD) for name in names) for names in AREAS]
    return np.concatenate(columns, axis=1)


def _smear() -> NDArray[np.float64]:
    """How background activity mixes, keeping its power: (electrodes, electrodes)."""
    weights = _gaussian([position(name) for name in BCI_IV_2A], SMEAR)
    return weights / np.sqrt(np.square(weights).sum(axis=1, keepdims=True))


def _gaussian(centres: list[tuple[float, float]], width: float) -> NDArray[np.float64]:
    """exp(-d^2 / 2 width^2) of every electrode to every centre: (electrodes, centres)."""
    places = np.array([position(name) for name in BCI_IV_2A])
    squares = np.square(places[:, None] - np.array(centres)[None]).sum(axis=2)
    return np.exp(-squares / (2 * width**2))


def _band(rng: np.random.Generator, shape: tuple[int, ...], centre: float, deviation: float) -> NDArray[np.float64]:
    """Noise with a Gaussian spectrum around ``centre`` Hz, mean square 1."""
    frequencies = np.fft.rfftfreq(shape[-1], 1 / FS)
    return _shaped(rng, shape, np.exp(-np.square(frequencies - centre) / (2 * deviation**2)))


def _pink(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Noise whose power falls as 1/f from 1 Hz on, mean square 1."""
    return _shaped(rng, shape, 1 / np.sqrt(np.maximum(np.fft.rfftfreq(shape[-1], 1 / FS), 1.0)))


def _shaped(rng: np.random.Generator, shape: tuple[int, ...], amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian noise with that spectrum, periodic over the window, without mean; (..., samples)."""
    samples = shape[-1]
    amplitude[0] = 0.0
    parts = rng.normal(size=(2, *shape[:-1], len(amplitude)))
    noise = np.fft.irfft((parts[0] + 1j * parts[1]) * amplitude, samples)
    return noise * (samples / (2 * np.sqrt(np.square(amplitude).sum())))
