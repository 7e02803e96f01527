"""Where torch-hd defines the same thing, it says the same."""

from typing import Any

import numpy as np
import pytest

from quant import bits
from quant.hd.memory import majority, tie_bits
from quant.ops import LevelEncode

torch = pytest.importorskip("torch")
torchhd = pytest.importorskip("torchhd", exc_type=ImportError)


def spatter_code(x: np.ndarray) -> Any:
    return torch.from_numpy(x).as_subclass(torchhd.BSCTensor)


@pytest.mark.parametrize("width", [2, 5, 21])
def test_thermometer_words(width: int) -> None:
    """torch-hd's set has the word without ones, too."""
    wanted = torchhd.thermometer(width + 1, width, "BSC")[1:].numpy()
    assert np.array_equal(LevelEncode("thermometer", width).words(np.arange(width)[None])[0], wanted)


def test_binding_is_exclusive_or() -> None:
    a, b = np.random.default_rng(0).integers(0, 2, (2, 6, 100)).astype(bool)
    assert np.array_equal(a ^ b, torchhd.bind(spatter_code(a), spatter_code(b)).numpy())


def test_majority_of_an_odd_number() -> None:
    x = np.random.default_rng(1).integers(0, 2, (7, 100)).astype(bool)
    assert np.array_equal(majority(x, tie_bits(0, 100)), torchhd.multibundle(spatter_code(x)).numpy())


def test_hamming_distance() -> None:
    """torch-hd counts equal bits."""
    x, rows = (np.random.default_rng(seed).integers(0, 2, (5, 130)).astype(bool) for seed in (2, 3))
    equal = torchhd.hamming_similarity(spatter_code(x), spatter_code(rows)).numpy()
    assert np.array_equal(bits.hamming(bits.pack64(x), bits.pack64(rows)), 130 - equal)
