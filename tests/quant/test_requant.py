"""Requantization arithmetic against Python integers, which never overflow."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.dtypes import DType
from quant.requant import Requant, fixed_point

INT32 = st.integers(-(2**31) + 1, 2**31 - 1)


def expected(acc: int, m: int, a: int, s: int, z: int, lo: int, hi: int) -> int:
    """The defining formula; Python's shift is the floor of the quotient."""
    return max(lo, min(hi, z + ((acc * m + a) >> s)))


def high_word(acc: int, m: int, a: int, s: int, z: int, lo: int, hi: int) -> int:
    """The path of kernels that multiply into the high word only."""
    return max(lo, min(hi, z + ((((acc * m) >> 32) + (a >> 32)) >> (s - 32))))


def one(acc: int, requant: Requant) -> int:
    return int(requant.apply(np.array([[acc]], np.int64))[0, 0])


@pytest.mark.parametrize("s", range(1, 63))
@pytest.mark.parametrize("m", [1, 3, 2**30, 2**31 - 1, -1, -(2**30), -(2**31)])
def test_every_shift_and_extreme_factors(s: int, m: int) -> None:
    requant = Requant.of(m, s, zero_point=-3, lo=-128, hi=127)
    ties = [(k << s >> 1) // m for k in range(-9, 10)]
    for acc in {0, 1, -1, 2**31 - 1, -(2**31) + 1, *(t + d for t in ties for d in (-1, 0, 1))}:
        if abs(acc) < 2**31 and requant.overflow(abs(acc)) is None:
            assert one(acc, requant) == expected(acc, m, 1 << (s - 1), s, -3, -128, 127)


@pytest.mark.parametrize("s", [1, 2, 30, 31])
def test_ties_go_up(s: int) -> None:
    requant = Requant.of(1 << max(s - 2, 0), s, zero_point=0, lo=-128, hi=127)
    factor = Fraction(1 << max(s - 2, 0), 1 << s)
    for acc in range(-500, 501):
        assert one(acc, requant) == max(-128, min(127, math.floor(acc * factor + Fraction(1, 2))))


@given(INT32, INT32, st.integers(-(2**61), 2**61), st.integers(1, 62), st.integers(-128, 127), st.data())
def test_agrees_with_big_integers(acc: int, m: int, a: int, s: int, z: int, data: st.DataObject) -> None:
    lo, hi = sorted(data.draw(st.tuples(st.integers(-128, 127), st.integers(-128, 127))))
    requant = Requant.of(m, s, a=a, zero_point=z, lo=lo, hi=hi)
    if requant.overflow(abs(acc)) is None:
        assert one(acc, requant) == expected(acc, m, a, s, z, lo, hi)


@given(INT32, INT32, st.integers(33, 62))
def test_high_word_path_is_the_same_value(acc: int, m: int, s: int) -> None:
    requant = Requant.of(m, s, zero_point=7, lo=-128, hi=127)
    assert requant.high_word_only
    if requant.overflow(abs(acc)) is None:
        assert high_word(acc, m, 1 << (s - 1), s, 7, -128, 127) == one(acc, requant)


@given(INT32, INT32, st.integers(33, 62), st.integers(-(2**29), 2**29))
def test_high_word_path_with_any_multiple_of_2_32(acc: int, m: int, s: int, high: int) -> None:
    requant = Requant.of(m, s, a=high << 32, zero_point=0, lo=-128, hi=127)
    assert requant.high_word_only
    if requant.overflow(abs(acc)) is None:
        assert high_word(acc, m, high << 32, s, 0, -128, 127) == one(acc, requant)


@pytest.mark.parametrize(("s", "a"), [(32, None), (31, None), (40, 0x1_0000_0001), (40, 1), (40, -1)])
def test_high_word_path_is_refused_where_it_would_differ(s: int, a: int | None) -> None:
    assert not Requant.of(2**30, s, a=a, zero_point=0, lo=-128, hi=127).high_word_only


def test_high_word_path_needs_every_channel() -> None:
    assert not Requant.of([1, 1], [40, 20], zero_point=0, lo=-128, hi=127).high_word_only


@given(st.floats(2.0**-62, 2.0**30, exclude_max=True))
def test_fixed_point_error_and_range(real: float) -> None:
    m, s = fixed_point(real)
    assert 1 <= m < 2**31 and 1 <= s <= 62
    error = abs(Fraction(m, 1 << s) - Fraction(real))
    assert error <= Fraction(real) / 2**31 or (s == 62 and error <= Fraction(1, 2**63))
    assert m >= 2**30 or s == 62, "the mantissa has 31 bits as long as s allows"


@pytest.mark.parametrize("exponent", range(-62, 30))
def test_powers_of_two_are_exact(exponent: int) -> None:
    m, s = fixed_point(2.0**exponent)
    assert Fraction(m, 1 << s) == Fraction(2) ** exponent


def test_largest_mantissa_carries_into_the_exponent() -> None:
    assert fixed_point(math.nextafter(1.0, 0.0)) == (2**30, 30)
    assert fixed_point(math.nextafter(2.0**30, 0.0)) == (2**31 - 1, 1)


@pytest.mark.parametrize("real", [0.0, -0.5, math.nan, math.inf, -math.inf, 2.0**30, 2.0**-65])
def test_fixed_point_refuses(real: float) -> None:
    with pytest.raises(ValueError, match="requantization factor"):
        fixed_point(real)


def test_saturates_at_both_ends_and_at_narrow_bounds() -> None:
    requant = Requant.of(2**30, 30, zero_point=-128, lo=-100, hi=50)
    assert [one(acc, requant) for acc in (-(2**31) + 1, 27, 28, 29, 178, 179, 2**31 - 1)] == [
        *(-100, -100, -100, -99, 50, 50, 50)
    ]


def test_factors_run_along_the_given_axis() -> None:
    requant = Requant.of([2**30, 2**29], [30, 30], zero_point=0, lo=-128, hi=127)
    acc = np.full((1, 2, 2), 10, np.int64)
    assert requant.apply(acc)[0].tolist() == [[10, 10], [5, 5]]
    assert requant.apply(acc, axis=2)[0].tolist() == [[10, 5], [10, 5]]
    assert requant.channels == 2 and Requant.of(1, 1, zero_point=0, lo=0, hi=0).channels is None


def test_accumulator_proof_fires_exactly_at_2_31() -> None:
    requant = Requant.of(1, 1, zero_point=0, lo=-128, hi=127)
    assert requant.overflow(2**31 - 1) is None
    assert "2147483648" in (requant.overflow(2**31) or "")


def test_product_proof_fires_exactly_at_2_62() -> None:
    fits = 2**62 - 1 - (2**31 - 1) * 2**30
    assert Requant.of(2**30, 1, a=fits, zero_point=0, lo=0, hi=0).overflow(2**31 - 1) is None
    for a in (fits + 1, -fits - 1):
        assert "beyond 2^62" in (Requant.of(2**30, 1, a=a, zero_point=0, lo=0, hi=0).overflow(2**31 - 1) or "")


def test_overflow_names_the_channel() -> None:
    requant = Requant.of([1, 1, 1], [1, 1, 1], zero_point=0, lo=-128, hi=127)
    assert (requant.overflow(np.array([5, 2**31, 7])) or "").startswith("channel 1:")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"m": 2**31}, "m is outside int32"),
        ({"m": -(2**31) - 1}, "m is outside int32"),
        ({"s": 63, "a": 0}, "s is outside 1..62"),
        ({"s": 0, "a": 0}, "s is outside 1..62"),
        ({"lo": 5, "hi": 4}, "clip bounds"),
        ({"lo": -129}, "clip bounds"),
        ({"hi": 128}, "clip bounds"),
        ({"zero_point": 128}, "zero point 128"),
    ],
)
def test_factors_out_of_range_are_named(change: dict[str, int], words: str) -> None:
    good = {"m": 2**30, "s": 31, "zero_point": 0, "lo": -128, "hi": 127}
    assert list(Requant.of(**good).faults()) == []  # type: ignore[arg-type]
    assert words in " ".join(Requant.of(**(good | change)).faults())  # type: ignore[arg-type]


def test_16_bit_outputs_have_their_own_range() -> None:
    requant = Requant.of(2**30, 30, zero_point=-32768, lo=-32768, hi=32767, dtype=DType.S16)
    assert list(requant.faults()) == []
    assert one(70_000, requant) == 32767 and one(0, requant) == -32768
