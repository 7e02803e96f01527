"""The float front end that travels with a model: how a window of int16 samples becomes its int16 features.

Per band: band-pass filter, covariance C = X X^T / (samples - 1) + (rho / channels) I, whitening by the band's
W = C_ref^-1/2, S = log(W C W), upper triangle (diagonal first, then the diagonals above it times sqrt(2)), rounded half
up to steps of ``scale`` and clipped to int16. This is what the graph's input holds, band after band; on devices it is
C of its own in float32 (``firmware/features``), in front of the integer graph. docs/features.md bounds how far the two
differ.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quant.errors import Problem, UserError
from quant.graph import Graph

KEY = "front_end"
KIND = "riemann"
MOST_CHANNELS = 64
NUMERATOR = np.array([1.0, 0.0, -2.0, 0.0, 1.0])  # (1 - z^-2)^2, of every band-pass of second order
TOLERANCE = 1e-9  # of numerators that were written as products of sections

Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FrontEnd:
    """Parameters of the front end.

    Attributes:
        samples: of a window.
        unit: what one step of the int16 samples stands for; covariances are in its square.
        rho: regularisation.
        scale: step of the int16 features.
        denominators: (bands, 4) float64: a1, a2 of the first section, a1, a2 of the second.
        gains: (bands,) float64, of the filter.
        whitening: (bands, n, n) float32, symmetric.

    Raises:
        UserError: shapes that do not belong together, values that are not finite, an unstable filter.
    """

    samples: int
    unit: float
    rho: float
    scale: float
    denominators: Real
    gains: Real
    whitening: NDArray[np.float32]

    def __post_init__(self) -> None:
        bands = len(self.gains)
        shape = self.whitening.shape
        fits = self.denominators.shape == (bands, 4) and len(shape) == 3 and shape[0] == bands > 0
        if not fits or shape[1] != shape[2] or not 1 <= shape[1] <= MOST_CHANNELS:
            what = f"denominators {self.denominators.shape}, gains ({bands},), whitening {shape}"
            raise _wrong(what, f"(bands, 4), (bands,), (bands, n, n) with n up to {MOST_CHANNELS}")
        arrays = (self.denominators, self.gains, self.whitening)
        if not all(np.isfinite(array).all() for array in arrays):
            raise _wrong("a parameter is not finite", "finite numbers")
        numbers = {"unit": self.unit, "scale": self.scale, "rho": self.rho}
        for name, value in numbers.items():
            if not (np.isfinite(value) and value >= 0 and (value > 0 or name == "rho")):
                raise _wrong(f"{name} is {value}", "a finite positive number")
        if self.samples < 2:
            raise _wrong(f"a window has {self.samples} samples", "at least 2")
        pairs = self.denominators.reshape(-1, 2)
        if not ((abs(pairs[:, 1]) < 1) & (abs(pairs[:, 0]) < 1 + pairs[:, 1])).all():
            raise _wrong("a filter is unstable", "poles inside the unit circle")
        if not np.array_equal(self.whitening, self.whitening.swapaxes(1, 2)):
            raise _wrong("a whitening matrix is not symmetric", "C_ref^-1/2")

    @property
    def bands(self) -> int:
        return len(self.gains)

    @property
    def channels(self) -> int:
        return int(self.whitening.shape[1])

    @property
    def per_band(self) -> int:
        """Features of a band."""
        return self.channels * (self.channels + 1) // 2

    @classmethod
    def of(
        cls, sos: ArrayLike, whitening: ArrayLike, *, samples: int, rho: float, scale: float, unit: float = 1.0
    ) -> FrontEnd:
        """From filters as SciPy designs them and whitening matrices in float64.

        Args:
            sos: (bands, 2, 6) second-order sections of Butterworth band-passes of order 2.
            whitening: (bands, n, n), C_ref^-1/2 of each band.

        Raises:
            UserError: as the class, and where a filter has other zeros than a band-pass.
        """
        sections = np.asarray(sos, np.float64)
        if sections.ndim != 3 or sections.shape[1:] != (2, 6):
            raise _wrong(f"filters of shape {sections.shape}", "(bands, 2, 6): two sections each")
        sections = sections / sections[:, :, 3:4]
        numerators = np.array([np.convolve(first[:3], second[:3]) for first, second in sections])
        gains = numerators[:, 0]
        if abs(numerators - gains[:, None] * NUMERATOR).max() > TOLERANCE * abs(gains).max():
            raise _wrong("a filter is no band-pass of order 2", "two zeros at frequency 0, two at half the rate")
        w = np.asarray(whitening, np.float64)
        half = np.asarray((w + w.swapaxes(-1, -2)) / 2, np.float32)
        return cls(samples, unit, rho, scale, sections[:, :, 4:].reshape(len(sections), 4), gains, half)

    @cached_property
    def triangle(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of a band's features, in their order."""
        n = self.channels
        pairs = [(i, i + above) for above in range(n) for i in range(n - above)]
        rows, columns = np.array(pairs).T
        return rows, columns

    def filtered(self, x: ArrayLike) -> Real:
        """(trials, bands, channels, samples) float64 of int16 samples (trials, channels, samples), without ``unit``."""
        return self.gains[:, None, None] * self.section(1, self.section(0, differences(x)))

    def section(self, index: int, u: Real) -> Real:
        """(trials, bands, channels, samples) of the same, or of (trials, 1, channels, samples): one section's poles."""
        y = np.repeat(u, self.bands // u.shape[1], axis=1)
        a1, a2 = (self.denominators[:, 2 * index + k, None] for k in (0, 1))
        for t in range(1, y.shape[-1]):
            y[..., t] -= a1 * y[..., t - 1]
            if t > 1:
                y[..., t] -= a2 * y[..., t - 2]
        return y

    def covariances(self, x: ArrayLike) -> Real:
        """(trials, bands, n, n) float64, regularised."""
        y = self.filtered(x) * self.unit
        return y @ y.swapaxes(-1, -2) / (self.samples - 1) + self.rho / self.channels * np.eye(self.channels)

    def whitened(self, covariances: ArrayLike) -> Real:
        """(trials, bands, n, n) float64: W C W."""
        w = self.whitening.astype(np.float64)
        return w @ np.asarray(covariances) @ w

    def features(self, x: ArrayLike) -> Real:
        """(trials, bands, features of a band) in float64, not quantized."""
        return self.of_covariances(self.covariances(x))

    def of_covariances(self, covariances: ArrayLike) -> Real:
        """:meth:`features` of windows with these covariances (trials, bands, n, n)."""
        values, vectors = np.linalg.eigh(self.whitened(covariances))
        logarithms = (vectors * np.log(values)[..., None, :]) @ vectors.swapaxes(-1, -2)
        rows, columns = self.triangle
        return logarithms[..., rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0))

    def quantize(self, features: ArrayLike) -> NDArray[np.int16]:
        """Rounded half up to steps of ``scale``, clipped to int16."""
        steps = np.floor(np.asarray(features) / self.scale + 0.5)
        return np.clip(steps, -(2**15), 2**15 - 1).astype(np.int16)

    def to_info(self) -> dict[str, Any]:
        """As JSON for ``Graph.info[KEY]``; the upper triangles of the whitening matrices, row by row, as base64."""
        upper = np.triu_indices(self.channels)
        whitening = self.whitening[:, upper[0], upper[1]].astype("<f4").tobytes()
        return {
            "kind": KIND,
            "channels": self.channels,
            "samples": self.samples,
            "unit": self.unit,
            "rho": self.rho,
            "scale": self.scale,
            "denominators": self.denominators.tolist(),
            "gains": self.gains.tolist(),
            "whitening": base64.b64encode(whitening).decode("ascii"),
        }


def differences(x: ArrayLike) -> Real:
    """(trials, 1, channels, samples): x_t - 2 x_t-2 + x_t-4 of windows (trials, channels, samples), from rest."""
    padded = np.pad(np.asarray(x, np.float64)[:, None], ((0, 0), (0, 0), (0, 0), (4, 0)))
    return padded[..., 4:] - 2 * padded[..., 2:-2] + padded[..., :-4]


def front_end(graph: Graph) -> FrontEnd | None:
    """The model's front end; None where its input is all there is.

    Raises:
        UserError: what the model says of it makes no sense, or does not fit its input.
    """
    facts = graph.info.get(KEY)
    if facts is None:
        return None
    try:
        made = _from_info(facts)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _wrong(f"its description cannot be read: {error!r}", "what FrontEnd.to_info gives") from None
    (given,) = graph.inputs
    if given.dtype.value != "s16" or given.elements != made.bands * made.per_band:
        raise _wrong(
            f"it gives {made.bands} x {made.per_band} features; the model reads {given.dtype.value} {given.shape}",
            "one int16 input with as many elements",
        )
    return made


def _from_info(facts: Mapping[str, Any]) -> FrontEnd:
    if facts["kind"] != KIND:
        raise ValueError(f"kind '{facts['kind']}'")
    n = int(facts["channels"])
    gains = np.array(facts["gains"], np.float64)
    upper = np.triu_indices(n)
    packed = np.frombuffer(base64.b64decode(facts["whitening"], validate=True), "<f4")
    whitening = np.zeros((len(gains), n, n), np.float32)
    whitening[:, upper[0], upper[1]] = packed.reshape(len(gains), -1)
    whitening[:, upper[1], upper[0]] = packed.reshape(len(gains), -1)
    return FrontEnd(
        int(facts["samples"]),
        float(facts["unit"]),
        float(facts["rho"]),
        float(facts["scale"]),
        np.array(facts["denominators"], np.float64),
        gains,
        whitening,
    )


def _wrong(what: str, supported: str) -> UserError:
    return UserError(Problem(what, "front end", supported, fix="make the model again from fitted features"))
