"""Packed bits: words of any width, tails of zeros, distances."""

from __future__ import annotations

import numpy as np
import pytest

from quant.bits import hamming, nbytes, pack, pack64, unpack


@pytest.mark.parametrize("count", [1, 31, 32, 33, 64, 100])
def test_round_trip_with_a_tail_of_zeros(count: int) -> None:
    values = np.random.default_rng(count).integers(0, 2, (3, 4, count))
    for words in (pack(values), pack64(values)):
        assert np.array_equal(unpack(words, count), values)
        assert np.bitwise_count(words).sum() == values.sum()
    assert pack(values).dtype == np.uint32 and pack(values)[0].nbytes == 4 * nbytes(count)


def test_both_widths_are_the_same_bytes() -> None:
    values = np.random.default_rng(0).integers(0, 2, 80)
    assert pack64(values).tobytes() == pack(values).tobytes() + bytes(4)


def test_the_least_significant_bit_is_the_first() -> None:
    assert pack(np.eye(33, dtype=int))[:, 0].tolist() == [1 << i for i in range(32)] + [0]


def test_hamming_counts_what_differs() -> None:
    random = np.random.default_rng(1)
    a, b = random.integers(0, 2, (5, 77)), random.integers(0, 2, (3, 77))
    assert np.array_equal(hamming(pack64(a), pack64(b)), (a[:, None] != b).sum(axis=-1))
