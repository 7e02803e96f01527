"""Rounding rules and the exact search for ties, against counting."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant.rounding import Rounding, meets_tie, sum_meets_tie

HALF = Fraction(1, 2)
FACTORS = st.builds(Fraction, st.integers(1, 60), st.integers(1, 60))


@pytest.mark.parametrize(
    ("value", "up", "even"),
    [("-3/2", -1, -2), ("-1/2", 0, 0), ("1/2", 1, 0), ("3/2", 2, 2), ("7/5", 1, 1), ("-7/5", -1, -1)],
)
def test_rules_differ_at_ties_only(value: str, up: int, even: int) -> None:
    assert (Rounding.HALF_UP(Fraction(value)), Rounding.HALF_EVEN(Fraction(value))) == (up, even)


@given(FACTORS, st.integers(0, 80))
def test_a_tie_is_found_where_counting_finds_one(factor: Fraction, bound: int) -> None:
    counted = any((acc * factor - HALF).denominator == 1 for acc in range(-bound, bound + 1))
    assert meets_tie(factor, bound) == counted


@given(FACTORS, FACTORS, st.integers(-9, 9), st.integers(-9, 9))
def test_a_tie_of_a_sum_is_found_where_counting_finds_one(p: Fraction, q: Fraction, x: int, y: int) -> None:
    xs, ys = range(x, x + 9), range(y, y + 7)
    counted = any((a * p + b * q - HALF).denominator == 1 for a in xs for b in ys)
    assert sum_meets_tie(p, q, xs, ys) == counted


def test_float32_scales_practically_never_meet_ties() -> None:
    """255 * 8192 is far below the denominators that quotients of float32 numbers have."""
    s_in, s_w, s_out = (
        Fraction(value) for value in (0.019999999552965164, 0.0010000000474974513, 0.029999999329447746)
    )
    assert not meets_tie(s_in * s_w / s_out, 2**31 - 1)
