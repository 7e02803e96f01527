"""Element types and their memory images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.dtypes import DType, from_bytes, to_bytes


@pytest.mark.parametrize(
    ("dtype", "low", "high", "size"),
    [
        (DType.S8, -128, 127, 10),
        (DType.S16, -32768, 32767, 20),
        (DType.S32, -(2**31), 2**31 - 1, 40),
        (DType.B1, 0, 1, 4),
    ],
)
def test_ranges_and_sizes(dtype: DType, low: int, high: int, size: int) -> None:
    assert (dtype.low, dtype.high, dtype.nbytes((10,))) == (low, high, size)


def test_bits_are_packed_lsb_first_with_a_zero_tail() -> None:
    bits = np.array([1, 0, 0, 1, 0, 0, 0, 1, 1, 1])
    assert to_bytes(bits, DType.B1) == bytes([0b10001001, 0b00000011, 0, 0])


def test_the_bits_of_a_position_lie_together() -> None:
    bits = np.array([[1, 0, 1], [1, 1, 0]])  # two channels, three positions
    assert to_bytes(bits, DType.B1) == bytes([3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0])


def test_bits_take_an_eighth_of_bytes() -> None:
    assert 8 * DType.B1.nbytes((64, 5, 3)) == DType.S8.nbytes((64, 5, 3))


def test_integers_are_little_endian_and_row_major() -> None:
    assert to_bytes(np.array([[1, -2], [3, 4]]).T, DType.S16) == bytes([1, 0, 3, 0, 254, 255, 4, 0])


@given(st.sampled_from(list(DType)), st.integers(1, 5), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_round_trip(dtype: DType, rows: int, columns: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(dtype.low, dtype.high + 1, (rows, columns))
    data = to_bytes(values, dtype)
    assert len(data) == dtype.nbytes(values.shape)
    back = from_bytes(data, dtype, values.shape)
    assert back.dtype == dtype.numpy and np.array_equal(back, values)
