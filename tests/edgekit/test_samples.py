"""Input files of emulate: what is taken, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.samples import load_samples, quantize, random_samples, stored
from quant.errors import UserError

TENSOR: dict[str, Any] = {"name": "input", "dtype": "s8", "shape": [1, 8], "scale": 0.25, "zero_point": -128}
INFO = {"preprocess": {"offset": -1.0, "gain": 2.0}}


def load(tmp_path: Path, array: np.ndarray) -> np.ndarray:
    np.save(tmp_path / "x.npy", array)
    return load_samples(tmp_path / "x.npy", TENSOR, INFO)


def test_int8_is_taken_as_it_is(tmp_path: Path) -> None:
    x = np.arange(-12, 12).astype(np.int8).reshape(3, 1, 8)
    assert np.array_equal(load(tmp_path, x), x)


@pytest.mark.parametrize("shape", [(1, 8), (8,)])
def test_one_sample_and_one_channel_may_leave_out_a_dimension(tmp_path: Path, shape: tuple[int, ...]) -> None:
    assert load(tmp_path, np.zeros((1, 8), np.int8)).shape == (1, 1, 8)
    assert load(tmp_path, np.zeros((5, *shape), np.int8)).shape == (5, 1, 8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_raw_samples_are_quantized_half_up(tmp_path: Path, dtype: Any) -> None:
    # (raw + 1) * 2 / 0.25 - 128: ties go up, both ends clip
    raw = np.array([[-1, -1 + 1 / 16, -1 + 1 / 16 - 1e-3, -1 - 1 / 16, 0, 30.875, 31, -9]], dtype)
    assert load(tmp_path, raw).tolist() == [[[-128, -127, -128, -128, -120, 127, 127, -128]]]


def test_without_preprocessing_values_are_the_networks_own() -> None:
    assert quantize(np.array([[0.25, 0.5]]), TENSOR, {}).tolist() == [[-127, -126]]
    assert stored(np.array([0.125, 0.124]), 0.25, 0).tolist() == [1, 0]


def test_a_model_without_scale_takes_int8_only() -> None:
    with pytest.raises(UserError, match="has no scale"):
        quantize(np.zeros((1, 8)), {**TENSOR, "scale": None}, {})


@pytest.mark.parametrize(("dtype", "kind"), [("s16", np.int16), ("b1", np.bool_)])
def test_other_types_of_input(tmp_path: Path, dtype: str, kind: Any) -> None:
    tensor = {**TENSOR, "dtype": dtype, "zero_point": 0}
    x = random_samples(2, tensor)
    assert x.dtype == kind and len(np.unique(x)) > 1
    np.save(tmp_path / "x.npy", x)
    assert np.array_equal(load_samples(tmp_path / "x.npy", tensor, {}), x)
    with pytest.raises(UserError, match=rf"elements are int8[\s\S]*astype\('{np.dtype(kind)}'\)"):
        np.save(tmp_path / "x.npy", x.astype(np.int8))
        load_samples(tmp_path / "x.npy", tensor, {})
    assert quantize(np.full((1, 1, 8), 1e9), tensor, {}).max() == (1 if dtype == "b1" else 32767)


def test_random_samples_repeat() -> None:
    assert random_samples(2, TENSOR).shape == (2, 1, 8)
    assert np.array_equal(random_samples(2, TENSOR), random_samples(2, TENSOR))
    assert random_samples(1, TENSOR).dtype == np.int8


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((3, 9), np.int8), r"its shape is \(3, 9\)[\s\S]*\(N, 1, 8\)"),
        (np.zeros((0, 1, 8), np.int8), "N >= 1"),
        (np.zeros((8, 1), np.int8), r"its shape is \(8, 1\)"),
        (np.int8(3), "its shape is"),
        (np.zeros((2, 1, 8), np.int16), "elements are int16[\\s\\S]*astype"),
        (np.zeros((2, 1, 8), np.complex64), "elements are complex64"),
        (np.full((2, 1, 8), np.nan), "16 values are NaN or infinite"),
        (np.full((1, 1, 8), np.inf, np.float32), "8 values are NaN or infinite"),
    ],
)
def test_unfit_arrays_are_refused(tmp_path: Path, array: np.ndarray, told: str) -> None:
    with pytest.raises(UserError, match=told):
        load(tmp_path, array)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    with pytest.raises(UserError, match="there is no such file"):
        load_samples(path, TENSOR, INFO)
    path.write_text("0.1, 0.2")
    with pytest.raises(UserError, match=r"cannot be read as \.npy"):
        load_samples(path, TENSOR, INFO)
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"cannot be read as \.npy"):
        load_samples(path, TENSOR, INFO)
    np.save(path, np.zeros((2, 1, 8), np.int8))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"cannot be read as \.npy"):
        load_samples(path, TENSOR, INFO)
    np.savez(tmp_path / "x.npz", beats=np.zeros(3))
    with pytest.raises(UserError, match=r"several arrays[\s\S]*beats"):
        load_samples(tmp_path / "x.npz", TENSOR, INFO)


def test_every_channel_may_have_its_own_offset_and_gain() -> None:
    info = {"preprocess": {"offset": [[[1.0], [-2.0]]], "gain": [[[0.5], [4.0]]]}}
    tensor = {"name": "input", "dtype": "s8", "shape": [1, 2, 3], "scale": 0.25, "zero_point": 0}
    raw = np.array([[[[1.0, 2.0, 3.0], [-2.0, -2.5, 10.0]]]], np.float32)
    assert quantize(raw, tensor, info).tolist() == [[[[0, 2, 4], [0, -8, 127]]]]
