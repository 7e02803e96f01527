"""The float front end's parameters: what they mean, how they travel, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from quant.dtypes import DType
from quant.errors import UserError
from quant.front_end import KEY, FrontEnd, front_end
from quant.graph import Graph, GraphBuilder
from quant.interchange.read import read_model
from quant.interchange.write import save, to_onnx
from quant.ops import ArgMax, Requantize
from quant.requant import Requant
from tests.firmware.front_ends import band_passes, fitted, windows

EDGES = [(4.0, 8.0), (8.0, 24.0)]


@pytest.fixture(scope="module")
def front() -> FrontEnd:
    return fitted(windows(np.random.default_rng(0), 20, 4, 160), EDGES)


def model(front: FrontEnd, elements: int | None = None, facts: object = None) -> Graph:
    builder = GraphBuilder("with front end", {KEY: front.to_info() if facts is None else facts})
    builder.input("features", (elements or front.bands * front.per_band,), DType.S16, 0, front.scale)
    bytes_ = builder.add("bytes", Requantize(Requant.of(1 << 30, 34, zero_point=0, lo=-128, hi=127)), "features")
    builder.output(builder.add("decision", ArgMax(), bytes_))
    return builder.build()


def test_filter_is_scipys() -> None:
    x = windows(np.random.default_rng(0), 3, 5, 200)
    front = fitted(x, EDGES)
    wanted = [sosfilt(sos, x.astype(np.float64), axis=-1) for sos in band_passes(EDGES)]
    np.testing.assert_allclose(front.filtered(x), np.stack(wanted, 1), rtol=0, atol=1e-9 * abs(x).max())


def test_the_mean_covariance_has_no_features(front: FrontEnd) -> None:
    """log(C_ref^-1/2 C_ref C_ref^-1/2) = 0, and features keep the norm of the logarithm."""
    x = windows(np.random.default_rng(0), 20, 4, 160)
    w = front.whitening.astype(np.float64)
    mean = front.covariances(x).mean(0)
    np.testing.assert_allclose(w @ mean @ w, np.tile(np.eye(4), (2, 1, 1)), atol=1e-5)
    logarithms = np.log(np.linalg.eigvalsh(front.whitened(front.covariances(x))))
    np.testing.assert_allclose((front.features(x) ** 2).sum(-1), (logarithms**2).sum(-1), rtol=1e-9)


def test_order_of_features(front: FrontEnd) -> None:
    rows, columns = front.triangle
    assert list(zip(rows, columns, strict=True))[:8] == [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (1, 2), (2, 3), (0, 2)]


def test_quantization_rounds_half_up_and_clips(front: FrontEnd) -> None:
    one = replace(front, scale=0.5)
    values = one.quantize([-1e9, -0.75, -0.25, 0.25, 0.75, 1e9])
    np.testing.assert_array_equal(values, [-32768, -1, 0, 1, 2, 32767])


def test_it_travels_with_the_model(front: FrontEnd, tmp_path: object) -> None:
    path = tmp_path / "model.onnx"
    save(to_onnx(model(front)), path)
    read = front_end(read_model(path))
    for name in ("samples", "unit", "rho", "scale"):
        assert getattr(read, name) == getattr(front, name)
    for name in ("denominators", "gains", "whitening"):
        np.testing.assert_array_equal(getattr(read, name), getattr(front, name))


def test_most_models_have_none(front: FrontEnd) -> None:
    assert front_end(replace(model(front), info={})) is None


def test_an_input_of_another_size_is_refused(front: FrontEnd) -> None:
    with pytest.raises(UserError, match="it gives 2 x 10 features; the model reads s16"):
        front_end(model(front, 21))


@pytest.mark.parametrize("change", [{"kind": "csp"}, {"whitening": "AA"}, {"whitening": "?"}, {"gains": "x"}])
def test_unreadable_descriptions_are_refused(front: FrontEnd, change: dict[str, object]) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        front_end(model(front, facts={**front.to_info(), **change}))


BAD: dict[str, tuple[Callable[[FrontEnd], object], str]] = {
    "shapes": (lambda f: replace(f, gains=f.gains[:1]), "whitening"),
    "not finite": (lambda f: replace(f, gains=f.gains * np.nan), "not finite"),
    "scale": (lambda f: replace(f, scale=0.0), "scale is 0"),
    "rho": (lambda f: replace(f, rho=-1.0), "rho is -1"),
    "samples": (lambda f: replace(f, samples=1), "1 samples"),
    "unstable": (lambda f: replace(f, denominators=f.denominators * 1.2), "unstable"),
    "not symmetric": (lambda f: replace(f, whitening=f.whitening + np.eye(4, k=1, dtype=np.float32)), "symmetric"),
    "one section": (lambda f: FrontEnd.of(np.ones((2, 1, 6)), f.whitening, samples=9, rho=0, scale=1), "two sections"),
    "low-pass": (
        lambda f: FrontEnd.of([butter(4, 0.3, output="sos")] * 2, f.whitening, samples=9, rho=0, scale=1),
        "no band-pass",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_parameters_are_refused(name: str, front: FrontEnd) -> None:
    make, message = BAD[name]
    with pytest.raises(UserError, match=message):
        make(front)
