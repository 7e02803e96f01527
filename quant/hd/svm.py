"""The linear support vector machine that hyperdimensional classifiers are held against, and its weights in few bits.

Hersche, Benini, Rahimi, "Binarization methods for motor-imagery brain-computer interface classification", IEEE J.
Emerging Sel. Topics Circuits Syst. 10, 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quant.errors import Problem, UserError, unknown

if TYPE_CHECKING:
    from sklearn.svm import LinearSVC

Real = NDArray[np.float64]
PENALTY = 0.05  # C of the published baseline
TOLERANCE, ITERATIONS = 1e-5, 20000
WEIGHTS = ("float64", "float32", "float16", "ternary", "binary")
BITS = {"float64": 64, "float32": 32, "float16": 16, "ternary": 2, "binary": 1}
"""Bits of a weight in memory."""
SMALL = 0.7  # of the mean magnitude: smaller ternary weights are 0 (Li, Zhang, Liu, "Ternary weight networks", 2016)


@dataclass(frozen=True, eq=False)
class LinearSvm:
    """One hyperplane per class, each against the rest.

    Attributes:
        weights: (classes, n) float64.
        bias: (classes,) float64.
    """

    weights: Real
    bias: Real

    @classmethod
    def fit(
        cls, x: ArrayLike, y: NDArray[np.int64], classes: int, penalty: float = PENALTY, seed: int = 0
    ) -> LinearSvm:
        """Hinge loss, from x (N, n) with labels y (N,), 0..classes-1.

        Of two classes, one's hyperplane is the other's from behind.

        Raises:
            UserError: a class has no trial.
        """
        if missing := [str(label) for label in range(classes) if not (y == label).any()]:
            what = f"there is no training trial of class {', '.join(missing)}"
            raise UserError(Problem(what, "linear SVM", fix="train on a split that has all classes"))
        fitted = _solver(penalty, seed).fit(np.asarray(x, np.float64), y)
        weights, bias = fitted.coef_, fitted.intercept_
        if classes == 2:
            weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
        return cls(weights, bias)

    def scores(self, x: ArrayLike, kind: str = "float64") -> Real:
        """(N, classes) of x (N, n), with weights as ``kind`` stores them; sums are float64.

        ``float*``: weights, biases and features rounded to that type. ``ternary`` and ``binary``: sum of few-bit
        weights times the signs of the features, no bias.

        Raises:
            UserError: an unknown kind.
        """
        if kind not in WEIGHTS:
            raise unknown("kind of weights", kind, WEIGHTS)
        values = np.asarray(x, np.float64)
        if kind in ("ternary", "binary"):
            few = ternary(self.weights) if kind == "ternary" else signs(self.weights)
            return signs(values) @ few.T
        stored = np.dtype(kind)
        rounded = [array.astype(stored).astype(np.float64) for array in (values, self.weights, self.bias)]
        return rounded[0] @ rounded[1].T + rounded[2]

    def predict(self, x: ArrayLike, kind: str = "float64") -> NDArray[np.int64]:
        """Labels (N,) of x (N, n); the lowest of equally good ones."""
        return self.scores(x, kind).argmax(axis=1)

    def bits(self, kind: str = "float64") -> int:
        """What weights and, where they count, biases take in memory."""
        biases = 0 if kind in ("ternary", "binary") else len(self.bias)
        return (self.weights.size + biases) * BITS[kind]


def signs(values: Real) -> Real:
    """1 where a value is 0 or above, -1 elsewhere: what a bit says of it."""
    return np.where(values >= 0, 1.0, -1.0)


def ternary(weights: Real) -> Real:
    """-1, 0, 1: the signs of each row (classes, n), but 0 where a weight is small against the row's others."""
    magnitudes = np.abs(weights)
    return np.where(magnitudes > SMALL * magnitudes.mean(axis=1, keepdims=True), np.sign(weights), 0.0)


def _solver(penalty: float, seed: int) -> LinearSVC:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=penalty, loss="hinge", tol=TOLERANCE, max_iter=ITERATIONS, random_state=seed)
