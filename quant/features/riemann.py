"""Riemannian features: covariances per band, seen from the mean of the training trials.

Barachant, Bonnet, Congedo, Jutten, "Multiclass brain-computer interface classification by Riemannian geometry", IEEE
Trans. Biomed. Eng. 59, 2012, in many bands as in :mod:`quant.features.filter_bank`.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quant.errors import unknown
from quant.features.filter_bank import bands, sections
from quant.front_end import FrontEnd

RHO = 0.1  # regularisation, as published
REFERENCES = ("riemann", "euclid")
TOLERANCE = 1e-6  # of the iterative mean, in the logarithm: far below a step of the int16 features
HEADROOM = 1.25  # of the int16 features over the largest one of the training trials

Real = NDArray[np.float64]


def covariances(x: NDArray[np.int16], fs: float, unit: float, bank: str = "43") -> Real:
    """(N, bands, C, C) of windows (N, C, T): filtered causally, regularised by rho / C.

    The same numbers as :meth:`FrontEnd.covariances`, from SciPy's filters, which are faster.

    Raises:
        UserError: an unknown bank, or a recording too slow for it.
    """
    from scipy.signal import sosfilt

    count, channels, samples = x.shape
    found = np.empty((count, len(bands(bank)), channels, channels))
    for index, filters in enumerate(sections(bands(bank), fs)):
        y = sosfilt(filters, x.astype(np.float64) * unit, axis=2)
        found[:, index] = y @ y.swapaxes(1, 2) / (samples - 1)
    return found + RHO / channels * np.eye(channels)


def reference(covariance: Real, kind: str = "riemann") -> Real:
    """(bands, C, C): each band's mean of training covariances (N, bands, C, C).

    Args:
        kind: ``riemann``: affine-invariant (Karcher) mean; ``euclid``: arithmetic mean.

    Raises:
        UserError: an unknown kind.
    """
    from pyriemann.geometry.mean import mean_euclid, mean_riemann

    if kind not in REFERENCES:
        raise unknown("reference", kind, REFERENCES)
    by_band = covariance.swapaxes(0, 1)
    if kind == "euclid":
        return np.asarray(mean_euclid(by_band))
    with warnings.catch_warnings():
        # Whatever the last iteration gave is a reference, too: it centres the features a little less well.
        warnings.filterwarnings("ignore", "Convergence not reached")
        return np.asarray(mean_riemann(by_band, tol=TOLERANCE))


def fit(
    covariance: Real, fs: float, samples: int, unit: float, bank: str = "43", kind: str = "riemann"
) -> tuple[FrontEnd, Real]:
    """The front end of training covariances (N, bands, C, C) as :func:`covariances` gives them.

    Args:
        samples: of a window.

    Returns:
        The front end, its scale chosen so that training features fit with some headroom; and those features, float64
        (N, bands, features of a band).

    Raises:
        UserError: as :func:`reference`.
    """
    from pyriemann.geometry.base import invsqrtm

    whitening = invsqrtm(reference(covariance, kind))
    made = FrontEnd.of(sections(bands(bank), fs), whitening, samples=samples, rho=RHO, scale=1.0, unit=unit)
    features = made.of_covariances(covariance)
    return replace(made, scale=HEADROOM * float(np.abs(features).max()) / ((1 << 15) - 1)), features
