"""Support vector machines as class memories."""

from __future__ import annotations

from typing import Self

import numpy as np
import pytest

from quant.errors import UserError
from quant.graph import GraphBuilder
from quant.hd import svm_readout
from quant.hd.embedding import Bits, Embedding, Features
from quant.hd.embeddings import EMBEDDINGS
from quant.hd.settings import Settings
from quant.hd.svm import LinearSvm, signs

RNG = np.random.default_rng(0)
BANDS, FEATURES, SCALE = 3, 30, 1e-3
CENTRES = RNG.normal(0, 1500, (4, BANDS, FEATURES))
Y = np.arange(80) % 4
X = np.rint(CENTRES[Y] + RNG.normal(0, 1500, (80, BANDS, FEATURES))).astype(np.int16)
NAMES = ("a", "b", "c", "d")
SETTINGS = Settings(mode="single", dimension=2000)


class Dense(Embedding):
    """Signs of a projection by a dense matrix of normal numbers."""

    name, description = "dense", "for a test"

    @classmethod
    def fit(cls, x: Features, y: np.ndarray, classes: int, settings: Settings) -> Self:
        return cls(x.shape[2], x.shape[1], settings)

    def encode_band(self, x: Features, band: int) -> Bits:
        return x @ np.random.default_rng(band).normal(size=(self.features, self.dimension)) >= 0

    def add(self, builder: GraphBuilder, features: str) -> str:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def dense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EMBEDDINGS, Dense.name, Dense)


@pytest.mark.parametrize(
    ("readout", "mode"),  # XOR of bands keeps no angle: only what is trained on bits can use it
    [
        ("projected", "single"),
        ("projected", "spatial"),
        ("trained", "single"),
        ("trained", "spatial"),
        ("trained", "bind"),
    ],
)
@pytest.mark.parametrize("classes", [2, 4])
def test_classes_that_lie_apart_are_told_apart(readout: str, mode: str, classes: int) -> None:
    own, settings = classes > Y, Settings(mode=mode, dimension=2000)
    found = svm_readout.fit("dense", X[own], Y[own], NAMES[:classes], settings, readout, SCALE)
    assert found.memory.rows.shape == (classes, 2000) and found.memory.centroids == 1
    assert (found.predict(X[own]) == Y[own]).mean() > 0.9


def test_a_projected_row_is_near_what_its_hyperplane_is_for() -> None:
    """Distances are angles: a vector and its row differ in angle / pi of all bits."""
    found = svm_readout.fit("dense", X, Y, NAMES, SETTINGS, "projected", SCALE)
    flat = X.reshape(80, -1).astype(float)
    weights = LinearSvm.fit(flat * SCALE, Y, 4, svm_readout.PENALTY).weights
    cosines = flat @ weights.T / np.linalg.norm(flat, axis=1)[:, None] / np.linalg.norm(weights, axis=1)
    assert np.abs(found.distances(X) / 2000 - np.arccos(cosines) / np.pi).max() < 0.06


def test_a_trained_row_is_the_signs_of_weights() -> None:
    found = svm_readout.fit("dense", X, Y, NAMES, SETTINGS, "trained")
    vectors = np.where(found.encode(X), 1.0, -1.0)
    weights = LinearSvm.fit(vectors, Y, 4, svm_readout.PENALTY).weights
    assert np.array_equal(2000 - 2 * found.distances(X), vectors @ signs(weights).T)


def test_bad_input_is_refused() -> None:
    with pytest.raises(UserError, match="did you mean 'trained'"):
        svm_readout.fit("dense", X, Y, NAMES, SETTINGS, "train")
    with pytest.raises(UserError, match="no training trial of class 3"):
        svm_readout.fit("dense", X[Y < 3], Y[Y < 3], NAMES, SETTINGS)
