"""The SVM as an integer graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from quant.hd.svm import LinearSvm
from quant.hd.svm_graph import to_graph
from quant.reference import run

RNG = np.random.default_rng(0)
SCALE = 2.0**-10


@pytest.mark.parametrize("classes", [2, 4])
def test_integers_decide_as_the_svm_does(classes: int) -> None:
    y = np.arange(60) % classes
    centres = RNG.normal(0, 2000, (classes, 5, 12))
    x = np.rint(centres[y] + RNG.normal(500, 1500, (60, 5, 12))).astype(np.int16)
    flat = x.reshape(60, -1)
    fitted = LinearSvm.fit(flat * SCALE, y, classes)
    svm = replace(fitted, bias=fitted.bias + np.linspace(-0.3, 0.3, classes))
    found = run(to_graph(svm, x, SCALE, "svm"), {"features": flat})
    scores = svm.scores(flat * SCALE)
    top = np.sort(scores, axis=1)
    clear = top[:, -1] - top[:, -2] > 0.1 * np.abs(scores).max()
    assert clear.mean() > 0.7
    assert np.array_equal(found["label"][clear, 0], scores.argmax(axis=1)[clear])
    steps = np.abs(scores).max() / 127
    assert np.abs(found["scores"] * steps - scores).max() < 0.1 * np.abs(scores).max()
