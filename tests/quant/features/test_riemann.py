"""Riemannian features on the host: the front end's own numbers, centred on the mean of the training trials."""

from __future__ import annotations

import numpy as np
import pytest

from quant.errors import UserError
from quant.features import riemann
from quant.front_end import FrontEnd

FS, UNIT = 160.0, 0.5
WINDOWS = np.random.default_rng(0).integers(-2000, 2000, (12, 4, 200)).astype(np.int16)


@pytest.fixture(scope="module")
def covariance() -> np.ndarray:
    return riemann.covariances(WINDOWS, FS, UNIT, "18")


@pytest.fixture(scope="module")
def fitted(covariance: np.ndarray) -> tuple[FrontEnd, np.ndarray]:
    return riemann.fit(covariance, FS, WINDOWS.shape[2], UNIT, "18")


def test_features_are_the_front_ends(fitted: tuple[FrontEnd, np.ndarray]) -> None:
    made, features = fitted
    assert features.shape == (12, 18, 10) and (made.bands, made.per_band) == (18, 10)
    assert np.abs(made.features(WINDOWS) - features).max() < 1e-9


def test_the_training_trials_average_to_nothing(fitted: tuple[FrontEnd, np.ndarray]) -> None:
    _, features = fitted
    assert np.abs(features.mean(axis=0)).max() < 1e-5 < features.std()  # whitening is float32


def test_the_scale_leaves_headroom(fitted: tuple[FrontEnd, np.ndarray]) -> None:
    made, features = fitted
    largest = np.abs(made.quantize(features).astype(int)).max()
    assert largest == round(32767 / riemann.HEADROOM)


def test_the_arithmetic_mean_is_another_reference(covariance: np.ndarray) -> None:
    found = riemann.reference(covariance, "euclid")
    assert np.allclose(found, covariance.mean(axis=0))
    assert not np.allclose(found, riemann.reference(covariance), rtol=1e-3)
    with pytest.raises(UserError, match="riemann"):
        riemann.reference(covariance, "riemannian")
