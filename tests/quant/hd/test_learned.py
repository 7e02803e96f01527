"""What is special about the learned embeddings: how little of them is stored."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from quant.hd.classifier import HdClassifier
from quant.hd.embeddings.learned_ls import LearnedLs
from quant.hd.graph import to_graph
from quant.hd.narrow import narrowed
from quant.hd.settings import Settings
from tests.quant.hd.made_up import trials

CLASSES = ("a", "b", "c")


def test_least_squares_holds_one_score_per_class() -> None:
    """Weights of the graph do not grow with the dimension, apart from keys and class memory."""
    x, y = trials(30, 4, 50, 3)
    for dimension in (100, 3000):
        graph = to_graph(HdClassifier.fit("learned-ls", x, y, CLASSES, Settings(dimension=dimension)), "hd")
        bits = dimension * (4 + 3)
        assert graph.parameters - bits == 4 * 3 * 50


def test_scores_times_targets_are_the_published_projection() -> None:
    """The bits are the signs of (2 T - 1) X^+ x in float64, up to rounding of the weights."""
    x, y = trials(30, 1, 50, 3)
    fitted = LearnedLs.fit(x, y, 3, Settings(dimension=400))
    small = narrowed(fitted.narrow, x)[:, 0].astype(np.float64)
    targets = fitted.projection.rows(3, 0, 400)[:, y]  # 2 T - 1, (D, N)
    sums = small @ np.linalg.pinv(small.T).T @ targets.T
    assert np.mean((sums >= 0) == fitted.encode_band(x[:, 0], 0)) > 0.99


def test_training_samples_reach_their_targets() -> None:
    x, y = trials(30, 3, 50, 3)
    fitted = LearnedLs.fit(x, y, 3, Settings(dimension=300))
    for band in range(3):
        wanted = fitted.projection.rows(3, 300 * band, 300)[:, y].T > 0
        assert np.mean(fitted.encode_band(x[:, band], band) == wanted) > 0.99


def test_gradient_descent_reaches_the_targets_of_each_class() -> None:
    pytest.importorskip("torch")
    x, y = trials(60, 5, 50, 3)
    classifier = HdClassifier.fit("learned-sgd", x, y, CLASSES, Settings(dimension=200))
    own, others = classifier.distances(x)[np.arange(60), y], classifier.memory.between()
    assert own.mean() < 0.1 * 200 and others[~np.eye(3, dtype=bool)].min() > 0.3 * 200
    graph = to_graph(classifier, "hd")
    assert graph.parameters == 200 * 50 + 200 * (5 + 3)
    assert prod(graph.tensors["sums"].shape) == 200 * 5
