"""Recorded values to network inputs: what each standardisation gives on the training part."""

import numpy as np
import pytest

from quant.datasets.dataset import Dataset
from quant.datasets.standardize import method
from quant.errors import UserError


def trials(seed: int = 0) -> np.ndarray:
    """(40, 1, 3, 20) float32: electrodes of very different offset and deviation; the last one is a constant."""
    x = np.random.default_rng(seed).normal(size=(40, 1, 3, 20)) * [[[10.0], [0.5], [0.0]]] + [[[100.0], [-3.0], [7.0]]]
    return x.astype(np.float32)


@pytest.mark.parametrize(("name", "shape", "axes"), [("channel", (1, 3, 1), (0, 3)), ("sample", (1, 3, 20), (0,))])
def test_training_values_get_mean_zero_and_deviation_one(name: str, shape: tuple[int, ...], axes: tuple) -> None:
    x = trials()
    offset, span = method(name)(x)
    assert offset.shape == span.shape == shape and offset.dtype == span.dtype == np.float32
    labels = np.zeros(len(x), np.int64)
    scaled = Dataset("made up", ("a",), x, labels, x, labels, offset, span).scale(x).astype(np.float64)
    assert np.allclose(scaled.mean(axis=axes), 0.0, atol=1e-4)
    deviation = scaled.std(axis=axes)[0]
    assert np.allclose(deviation[:2], 1.0, atol=1e-4) and np.all(deviation[2] == 0.0)


def test_none_changes_nothing_and_gain_is_the_inverse_of_span() -> None:
    x = trials()
    labels = np.zeros(len(x), np.int64)
    plain = Dataset("made up", ("a",), x, labels, x, labels, *method("none")(x))
    assert np.array_equal(plain.scale(x), x)
    data = Dataset("made up", ("a",), x, labels, x, labels, *method("channel")(x))
    assert data.gain.dtype == np.float64 and np.array_equal(
        data.gain * np.asarray(data.span, np.float64), np.ones((1, 3, 1))
    )


def test_an_unknown_standardisation_gets_a_suggestion() -> None:
    with pytest.raises(UserError, match="did you mean 'channel'"):
        method("chanel")
