import numpy as np
import pytest

from quant.hd.levels import codebook, level_count, levels
from tests.quant.hd.made_up import published_level


def test_a_thermometer_rises() -> None:
    assert codebook("thermometer", 4).astype(int).tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]


def test_gray_words_flip_one_pair_of_bits_after_the_other() -> None:
    words = codebook("gray", 4).astype(int).tolist()
    assert words == [[0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 0, 0]]


@pytest.mark.parametrize("code", ["thermometer", "gray"])
@pytest.mark.parametrize("bits", [2, 3, 5, 21, 37])
def test_integer_levels_are_the_published_ones(code: str, bits: int) -> None:
    """The integer deviation is rounded down: where that moves a value over a border, the levels are neighbours."""
    x = np.random.default_rng(bits).normal(0, 3000, (20, 253)).astype(np.int16)
    found = levels(code, bits, x)
    wanted = np.array([published_level(row, code, bits) for row in x])
    assert found.max() < level_count(code, bits) and found.min() >= 0
    assert np.count_nonzero(found != wanted) <= 2
    assert np.abs(found - wanted).max(initial=0) <= 1


@pytest.mark.parametrize(("code", "middle"), [("thermometer", 2), ("gray", 4)])
def test_a_constant_sample_has_the_middle_level(code: str, middle: int) -> None:
    x = np.full((1, 7), -32768, np.int16)
    assert levels(code, 5, x).tolist() == [[middle] * 7]


def test_extreme_values_do_not_overflow() -> None:
    x = np.full((1, 10879), -32768, np.int16)
    x[0, ::2] = 32767
    assert np.unique(levels("gray", 794, x)).size == 2
