"""CSP + LDA: finds what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from quant.csp_lda import CspLda, band_passed, covariances, spatial_filters
from quant.errors import UserError

pytest.importorskip("sklearn", reason="CSP + LDA needs edgekit[train]")


def mixed(trials: int = 120, classes: int = 2, electrodes: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Trials whose class is the one source that is louder, seen by electrodes that mix all sources."""
    rng = np.random.default_rng(seed)
    y = np.arange(trials) % classes
    sources = rng.normal(size=(trials, electrodes, 200))
    sources[np.arange(trials), y] *= 2.0
    mixing = np.random.default_rng(99).normal(size=(electrodes, electrodes))
    return np.einsum("es,nst->net", mixing, sources).astype(np.float32), y


@pytest.mark.parametrize("classes", [2, 4])
def test_it_finds_the_sources_through_the_mixture(classes: int) -> None:
    classifier = CspLda.fit(*mixed(classes=classes), classes)
    x, y = mixed(classes=classes, seed=1)
    assert (classifier.predict(x) == y).mean() > 0.97


def test_electrodes_that_depend_on_each_other_do_no_harm() -> None:
    x, y = mixed()
    x -= x.mean(axis=1, keepdims=True)
    classifier = CspLda.fit(x, y, 2)
    assert classifier.filters.shape == (5, 6)
    assert (classifier.predict(x) == y).mean() > 0.97


def test_filters_make_one_class_loud_and_the_rest_quiet() -> None:
    x, y = mixed()
    patterns = covariances(x)
    one, rest = patterns[y == 0].mean(axis=0), patterns[y == 1].mean(axis=0)
    filters = spatial_filters(one, rest, 4)
    shares = np.einsum("fe,eg,fg->f", filters, one, filters)
    assert np.allclose(np.einsum("fe,eg,fg->f", filters, one + rest, filters), 1)
    assert (np.diff(shares) < 0).all() and shares[0] > 0.7 and shares[-1] < 0.3
    assert np.allclose(np.trace(patterns, axis1=1, axis2=2), 1)


def test_the_band_passes_what_lies_in_it() -> None:
    fs, t = 160.0, np.arange(640) / 160.0
    waves = np.stack([np.sin(2 * np.pi * f * t) for f in (2.0, 15.0, 60.0)])[None].astype(np.float32)
    middle = band_passed(waves, fs)[0, :, 160:480]
    assert np.abs(middle[1] - waves[0, 1, 160:480]).max() < 0.02
    assert np.abs(middle[[0, 2]]).max() < 0.02


def test_slow_recordings_and_absent_classes_are_refused() -> None:
    x, y = mixed()
    with pytest.raises(UserError, match="too few for the band from 8 to 30 Hz"):
        band_passed(x, 53.3)
    with pytest.raises(UserError, match="no training trial of class 1, 2"):
        CspLda.fit(x[y == 0], y[y == 0], 3)
