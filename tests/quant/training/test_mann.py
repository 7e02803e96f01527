"""Learned projections: the sign's gradient, and bits that tell classes apart better than random ones."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs edgekit[train]")

from quant.hd.memory import ClassMemory  # noqa: E402
from quant.mann.graph import LearnedProjection  # noqa: E402
from quant.training.mann import Sign, learn_projection  # noqa: E402

RNG = np.random.default_rng(0)
CENTERS = RNG.normal(0, 12, (4, 30))


def trials(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Four classes whose features differ by less than they vary, beside many that say nothing."""
    y = np.arange(count) % 4
    x = np.concatenate([CENTERS[y] + RNG.normal(0, 20, (count, 30)), RNG.normal(0, 40, (count, 60))], axis=1)
    return np.rint(x).astype(np.int64), y


def bits(projection: LearnedProjection, x: np.ndarray) -> np.ndarray:
    return x @ projection.weight.T + projection.bias >= 0


def test_the_gradient_passes_near_zero_only() -> None:
    x = torch.tensor([-1.5, -1.0, 0.0, 0.4, 1.0, 2.0], requires_grad=True)
    y = Sign.apply(x)
    assert y.tolist() == [-1, -1, 1, 1, 1, 1]
    (3 * y).sum().backward()
    assert x.grad.tolist() == [0, 3, 3, 3, 3, 0]


def test_learned_bits_beat_random_ones() -> None:
    (x, y), (x_test, y_test) = trials(400), trials(200)
    learned = learn_projection(x, y, 4, 64, seed=1, threads=1)
    assert np.abs(learned.weight).max(axis=1).tolist() == [127] * 64
    random = LearnedProjection(RNG.choice([-1, 1], (64, 90)), np.zeros(64, np.int64))
    accuracy = [
        np.mean(ClassMemory.fit(bits(p, x), y, 4).predict(bits(p, x_test)) == y_test) for p in (learned, random)
    ]
    assert accuracy[0] > accuracy[1] + 0.1 and accuracy[0] > 0.7
    again = learn_projection(x, y, 4, 64, seed=1, threads=1)
    assert np.array_equal(again.weight, learned.weight) and np.array_equal(again.bias, learned.bias)


def test_constant_features() -> None:
    projection = learn_projection(np.full((4, 3), 5), np.arange(4) % 2, 2, 8, seed=0, threads=1)
    assert projection.weight.shape == (8, 3) and np.abs(projection.weight).max() == 127
