"""The float front end in C: the same bits whatever compiles it, and as near to float64 as its bound says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.paths import firmware_root
from quant import feature_error
from quant.device_front_end import ROOT, device_front_end
from quant.feature_error import LOGARITHM, ORTHOGONAL, RESIDUAL, ROUNDING, bounds
from quant.front_end import FrontEnd
from tests.firmware.front_ends import Library, Stages, fitted, windows

EDGES = [(4.0, 6.0), (8.0, 24.0), (8.0, 40.0)]
# channels, samples: whole blocks, blocks with a rest, odd numbers, one block
SHAPES = [(22, 480), (16, 640), (7, 301), (5, 133), (2, 40), (1, 32), (3, 61)]


def decomposition_is_orthogonal(stages: Stages) -> None:
    """ORTHOGONAL and RESIDUAL of quant/feature_error.py, which no derivation gives."""
    n = len(stages.values)
    vectors, values = stages.vectors.astype(np.float64), stages.values.astype(np.float64)
    upper = np.triu(stages.whitened.astype(np.float64))
    matrix = upper + np.triu(upper, 1).T
    assert np.linalg.norm(vectors @ vectors.T - np.eye(n)) <= ORTHOGONAL * (n + 8) * ROUNDING
    residual = np.linalg.norm(matrix - vectors.T @ (values[:, None] * vectors))
    assert residual <= RESIDUAL * (n + 8) * ROUNDING * np.linalg.norm(matrix)


def within_bounds(front: FrontEnd, library: Library, x: NDArray[np.int16]) -> float:
    """Holds every stage of a window against float64; returns the largest error of features over its bound."""
    device, bound = device_front_end(front), bounds(front, x)
    t, (rows, columns) = device.differences, front.triangle
    exact = t @ (front.covariances(x[None])[0] - front.rho / front.channels * np.eye(front.channels)) @ t.T
    wanted = front.features(x[None])[0]
    worst = 0.0
    for band in range(front.bands):
        stages = library.stages(x, band)
        decomposition_is_orthogonal(stages)
        sums = np.triu(stages.sums.astype(np.float64)) * float(device.gains[band])
        assert (abs(sums - np.triu(exact[band])) <= bound.covariance[band]).all()
        got = stages.logarithm[rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0))
        error = np.linalg.norm(got - wanted[band])
        assert error <= bound.features[band]
        worst = max(worst, error / bound.features[band])
    steps = abs(library.features(x).astype(int) - front.quantize(wanted))
    assert (steps.max(1) <= np.ceil(bound.features / front.scale)).all()
    return worst


@pytest.mark.parametrize(("channels", "samples"), SHAPES)
def test_every_stage_is_within_its_bound(channels: int, samples: int, tmp_path: Path) -> None:
    x = windows(np.random.default_rng(channels), 6, channels, samples)
    front = fitted(x, EDGES)
    library = Library(front, tmp_path)
    worst = [within_bounds(front, library, window) for window in x[:3]]
    assert max(worst) < 0.05  # a bound, not an estimate


def test_compilers_give_the_same_bits(tmp_path: Path) -> None:
    for channels, samples in ((22, 480), (7, 101)):
        x = windows(np.random.default_rng(channels), 3, channels, samples)
        front = fitted(x, EDGES)
        wanted = Library(front, tmp_path).features(x[0])
        for compiler in ("zig, sanitized", "gcc, optimised", "gcc, sanitized"):
            np.testing.assert_array_equal(Library(front, tmp_path, compiler).features(x[0]), wanted)


def test_channels_that_never_change_or_are_alike(tmp_path: Path) -> None:
    """What is left of them in the covariance is the regularisation."""
    x = windows(np.random.default_rng(1), 6, 6, 320)
    front = fitted(x, EDGES)
    dead = x[:3].copy()
    dead[:, 2] = 77
    dead[1] = -5
    dead[2, 3] = dead[2, 1]
    library = Library(front, tmp_path)
    for window in dead:
        within_bounds(front, library, window)


def test_the_largest_samples(tmp_path: Path) -> None:
    x = np.random.default_rng(2).choice(np.array([-32768, 32767], np.int16), (6, 5, 160))
    front = fitted(x, EDGES)
    within_bounds(front, Library(front, tmp_path), x[0])


def test_no_bound_where_the_covariance_is_singular(tmp_path: Path) -> None:
    """Forty samples of a band of 2 Hz have no sixteen directions."""
    x = windows(np.random.default_rng(3), 4, 16, 40)
    front = fitted(x, EDGES[:1])
    assert np.isinf(bounds(front, x[0]).features).all()
    decomposition_is_orthogonal(Library(front, tmp_path).stages(x[0], 0))


def test_neighbours_are_subtracted() -> None:
    """Channels in a chain, each its neighbour's signal and a little more."""
    random = np.random.default_rng(4)
    steps = random.normal(size=(9, 5, 400)) * np.array([40, 4, 4, 4, 4])[:, None]
    x = np.round(steps.cumsum(1)).astype(np.int16)[:, [3, 0, 4, 2, 1]]
    device = device_front_end(fitted(x, EDGES[1:]))
    neighbours = {tuple(sorted((c, p))) for c, p in enumerate(device.parents) if p != ROOT}
    assert neighbours == {(1, 4), (3, 4), (0, 3), (0, 2)}
    assert round(float(np.linalg.det(device.differences))) == 1


def test_blocks_are_as_long_as_the_bound_thinks() -> None:
    text = (firmware_root() / "features" / "riemann.h").read_text(encoding="utf-8")
    found = re.search(r"#define EK_TIMES (\d+)", text)
    assert found is not None and int(found.group(1)) == feature_error.TIMES


def test_logarithm(tmp_path: Path) -> None:
    """Both octaves that one exponent needs, what is next to 1, and powers of two times that."""
    library = Library(fitted(windows(np.random.default_rng(5), 2, 1, 32), EDGES), tmp_path)
    mantissas = np.linspace(0.5, 2.0, 20_001, dtype=np.float32)
    near_one = np.float32(1) + np.arange(-300, 300, dtype=np.float32) * np.float32(2**-23)
    scales = np.float32(2.0) ** np.arange(-126, 127, 6, dtype=np.float32)
    x = np.concatenate([mantissas, near_one, np.outer(mantissas[::200], scales).ravel()]).astype(np.float32)
    x = x[(x >= np.finfo(np.float32).tiny) & np.isfinite(x)]
    got = np.array([library.logarithm(value) for value in x.tolist()])
    exact = np.log(x.astype(np.float64))
    assert (abs(got - exact) <= LOGARITHM * ROUNDING * abs(exact)).all()


def test_rounding_is_half_up_and_saturates(tmp_path: Path) -> None:
    library = Library(fitted(windows(np.random.default_rng(6), 2, 1, 32), EDGES), tmp_path)
    for value in (-1e30, -32769.0, -32768.5, -32768.0, -2.5, -1.5, -0.5, -0.25, 0.0, 0.5, 1.5, 2.49, 32766.5, 1e30):
        assert library.rounded(value) == int(np.clip(np.floor(value + 0.5), -32768, 32767)), value
