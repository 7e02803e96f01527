"""The linear support vector machine and its weights in few bits."""

from __future__ import annotations

import numpy as np
import pytest

from quant.errors import UserError
from quant.hd.svm import WEIGHTS, LinearSvm, signs, ternary

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(3, 40))
Y = np.arange(60) % 3
X = CENTRES[Y] + 0.5 * RNG.normal(size=(60, 40))


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_that_lie_apart_are_told_apart(kind: str, classes: int) -> None:
    own = classes > Y
    svm = LinearSvm.fit(X[own], Y[own], classes)
    assert svm.weights.shape == (classes, 40)
    assert (svm.predict(X[own], kind) == Y[own]).mean() > 0.95


def test_of_two_classes_scores_are_opposite() -> None:
    own = Y < 2
    scores = LinearSvm.fit(X[own], Y[own], 2).scores(X)
    np.testing.assert_array_equal(scores[:, 0], -scores[:, 1])


def test_weights_in_few_bits() -> None:
    weights = np.array([[-2.0, -0.1, 0.0, 0.1, 2.0]])
    np.testing.assert_array_equal(signs(weights), [[-1, -1, 1, 1, 1]])
    np.testing.assert_array_equal(ternary(weights), [[-1, 0, 0, 0, 1]])


def test_rounded_weights_are_rounded() -> None:
    svm = LinearSvm(np.array([[1.0 + 2.0**-12]]), np.array([0.0]))
    assert svm.scores([[1.0]], "float16") == 1.0 < svm.scores([[1.0]], "float32") == 1.0 + 2.0**-12


def test_bits_in_memory() -> None:
    svm = LinearSvm(np.zeros((4, 100)), np.zeros(4))
    assert [svm.bits(kind) for kind in WEIGHTS] == [64 * 404, 32 * 404, 16 * 404, 2 * 400, 400]


def test_bad_input_is_refused() -> None:
    with pytest.raises(UserError, match="no training trial of class 1"):
        LinearSvm.fit(X, np.zeros(60, np.int64), 2)
    with pytest.raises(UserError, match="did you mean 'float16'"):
        LinearSvm(np.zeros((2, 4)), np.zeros(2)).scores(np.zeros((1, 4)), "float18")
