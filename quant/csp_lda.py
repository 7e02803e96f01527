"""Common spatial patterns and linear discriminant analysis: the classic that a network has to beat.

Trials are band-passed, projected on spatial filters whose output has much power in one class and little in the others,
and told apart by the logarithm of that power (Ramoser, Müller-Gerking, Pfurtscheller, "Optimal spatial filtering of
single trial EEG during imagined hand movement", IEEE Trans. Rehabil. Eng. 8, 2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quant.errors import Problem, UserError

if TYPE_CHECKING:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

BAND = (8.0, 30.0)  # Hz: the mu and the beta rhythm
ORDER = 4  # of the Butterworth filter, run forwards and backwards
FILTERS = 6  # spatial filters per class and rest: half of them from either end
CHUNK = 128  # trials filtered at a time: float64 copies stay small

Array = NDArray[np.float64]


def band_passed(x: NDArray[Any], fs: float, band: tuple[float, float] = BAND) -> NDArray[np.float32]:
    """Trials (N, electrodes, T) without what lies outside ``band``; nothing is shifted.

    Raises:
        UserError: the recording is too slow for the band.
    """
    from scipy.signal import butter, sosfiltfilt

    if not band[1] < fs / 2:
        what = f"{fs:g} samples per second are too few for the band from {band[0]:g} to {band[1]:g} Hz"
        raise UserError(Problem(what, "CSP + LDA", f"more than {2 * band[1]:g} per second"))
    sections = butter(ORDER, band, "bandpass", fs=fs, output="sos")
    out = np.empty(x.shape, np.float32)
    for start in range(0, len(x), CHUNK):
        out[start : start + CHUNK] = sosfiltfilt(sections, x[start : start + CHUNK].astype(np.float64), axis=2)
    return out


@dataclass(frozen=True, eq=False)
class CspLda:
    """A fitted classifier.

    Attributes:
        filters: (F, electrodes).
        discriminant: scikit-learn's linear discriminant analysis of the log power of the filters' outputs.
    """

    filters: Array
    discriminant: LinearDiscriminantAnalysis

    @classmethod
    def fit(cls, x: NDArray[Any], y: NDArray[np.int64], classes: int) -> CspLda:
        """From band-passed trials (N, electrodes, T) and labels (N,) 0..classes-1.

        Raises:
            UserError: a class has no trial.
        """
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        if missing := [label for label in range(classes) if not (y == label).any()]:
            what = f"there is no training trial of class {', '.join(map(str, missing))}"
            raise UserError(Problem(what, "CSP + LDA"))
        patterns = covariances(x)
        means = np.stack([patterns[y == label].mean(axis=0) for label in range(classes)])
        # Of two classes, one's filters against the rest are the other's in reverse.
        labels = range(1 if classes == 2 else classes)
        pairs = [(means[label], np.delete(means, label, 0).mean(axis=0)) for label in labels]
        filters = np.concatenate([spatial_filters(one, rest) for one, rest in pairs])
        return cls(filters, LinearDiscriminantAnalysis().fit(log_power(filters, patterns), y))

    def predict(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """Labels (N,) of band-passed trials (N, electrodes, T)."""
        return self.discriminant.predict(log_power(self.filters, covariances(x)))


def covariances(x: NDArray[Any]) -> Array:
    """Of every trial's electrodes, scaled to a trace of one: (N, electrodes, electrodes)."""
    out = np.empty((len(x), x.shape[1], x.shape[1]))
    for trial, result in zip(x, out, strict=True):
        centred = trial.astype(np.float64) - trial.mean(axis=1, keepdims=True, dtype=np.float64)
        np.matmul(centred, centred.T, out=result)
        result /= np.trace(result) or 1.0
    return out


def spatial_filters(one: Array, rest: Array, count: int = FILTERS) -> Array:
    """Filters (count, electrodes), from most to least power in ``one`` relative to both, ends only.

    One plus rest is whitened first; directions without power, as a common average leaves them, are dropped.
    """
    values, vectors = np.linalg.eigh(one + rest)
    able = values > 1e-10 * values[-1]
    whitening = vectors[:, able] / np.sqrt(values[able])
    _, directions = np.linalg.eigh(whitening.T @ one @ whitening)
    filters = (whitening @ directions).T[::-1]
    count = min(count, len(filters))
    return np.concatenate([filters[: count - count // 2], filters[len(filters) - count // 2 :]])


def log_power(filters: Array, patterns: Array) -> Array:
    """Logarithm of the filters' output power: (N, F) of covariances (N, electrodes, electrodes)."""
    return np.log(np.einsum("fe,neg,fg->nf", filters, patterns, filters, optimize=True))
