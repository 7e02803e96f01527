"""The float front end in C against the same formulas in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.firmware.front_ends import Library, fitted, windows

EDGES = [(4.0, 8.0), (8.0, 24.0), (8.0, 40.0)]
# channels, samples: whole blocks, blocks with a rest, odd numbers, one block
SHAPES = [(22, 480), (16, 640), (7, 301), (5, 133), (2, 40), (1, 32), (3, 61)]


@pytest.mark.parametrize(("channels", "samples"), SHAPES)
@pytest.mark.parametrize("compiler", ["zig, optimised", "zig, sanitized", "gcc, optimised", "gcc, sanitized"])
def test_c_gives_the_features_of_float64(channels: int, samples: int, compiler: str, tmp_path: Path) -> None:
    x = windows(np.random.default_rng(channels), 6, channels, samples)
    front = fitted(x, EDGES)
    library = Library(front, tmp_path, compiler)
    got = np.array([library.features(window) for window in x]).astype(int)
    wanted = front.quantize(front.features(x)).astype(int)
    assert abs(got - wanted).max() <= 1
    assert (got != wanted).mean() < 0.01


def test_channels_that_never_change(tmp_path: Path) -> None:
    """What is left of them in the covariance is the regularisation."""
    x = windows(np.random.default_rng(1), 4, 6, 320)
    front = fitted(x, EDGES)
    dead = x.copy()
    dead[:, 2] = 77
    dead[1] = -5
    library = Library(front, tmp_path)
    got = np.array([library.features(window) for window in dead]).astype(int)
    assert abs(got - front.quantize(front.features(dead))).max() <= 1


def test_logarithm_is_within_three_roundings(tmp_path: Path) -> None:
    """Relative error below 3 * 2^-24: both octaves that one exponent needs, and powers of two around them."""
    library = Library(fitted(windows(np.random.default_rng(2), 2, 1, 32), EDGES), tmp_path)
    mantissas = np.linspace(0.5, 2.0, 20_001, dtype=np.float32)
    near_one = np.float32(1) + np.arange(-300, 300, dtype=np.float32) * np.float32(2**-23)
    scales = np.float32(2.0) ** np.arange(-126, 127, 6, dtype=np.float32)
    x = np.concatenate([mantissas, near_one, np.outer(mantissas[::200], scales).ravel()]).astype(np.float32)
    x = x[(x >= np.finfo(np.float32).tiny) & np.isfinite(x)]
    got = np.array([library.logarithm(value) for value in x.tolist()])
    exact = np.log(x.astype(np.float64))
    assert (abs(got - exact) <= 3 * 2.0**-24 * abs(exact)).all()


def test_rounding_is_half_up_and_saturates(tmp_path: Path) -> None:
    library = Library(fitted(windows(np.random.default_rng(3), 2, 1, 32), EDGES), tmp_path)
    for value in (-1e30, -32769.0, -32768.5, -32768.0, -2.5, -1.5, -0.5, -0.25, 0.0, 0.5, 1.5, 2.49, 32766.5, 1e30):
        assert library.rounded(value) == int(np.clip(np.floor(value + 0.5), -32768, 32767)), value
