"""Channel records hold what the reference computes, in the cheaper form wherever it is exact."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deploy.kernels.packing import FULL, HIGH, high_form, hwc, low_word, records, window_fields
from quant.graph import Tensor
from quant.requant import Requant

WORD = 1 << 32


def by_record(words: list[int], acc: int, requant: Requant) -> int:
    """What the C kernels compute from one record, in unbounded integers."""
    assert all(-(1 << 31) <= word < 1 << 31 for word in words)
    if len(words) == HIGH:
        _, m, rounding, shift = words
        high = (acc * m) >> 32
        assert -(1 << 31) <= high + rounding < 1 << 31
        value = (high + rounding) >> shift
    else:
        _, m, low, high, s = words
        value = ((acc * m + high * WORD + low % WORD) >> s) + requant.zero_point
    return min(max(value, requant.lo), requant.hi)


@given(
    m=st.integers(-(2**31), 2**31 - 1),
    s=st.integers(1, 62),
    a=st.one_of(st.none(), st.integers(-(2**60), 2**60), st.integers(-(2**27), 2**27).map(lambda v: v * WORD)),
    zero_point=st.integers(-128, 127),
    share=st.floats(-1, 1),
)
def test_records_give_the_reference_value(m: int, s: int, a: int | None, zero_point: int, share: float) -> None:
    requant = Requant.of([m], [s], a=None if a is None else [a], zero_point=zero_point, lo=-128, hi=127)
    room = ((1 << 62) - 1 - abs(int(requant.a[0]))) // max(abs(m), 1)  # what the exporter proves
    acc = int(share * min(max(room, 0), 2**31 - 1))
    if requant.overflow(abs(acc)):
        return
    words = [int(v) for v in records(requant, np.zeros(1, np.int64))]
    assert len(words) == (HIGH if high_form(requant) else FULL)
    assert by_record(words, acc, requant) == requant.apply(np.array([[acc]]))[0, 0]


def test_default_rounding_takes_the_high_form_below_a_quarter() -> None:
    assert high_form(Requant.from_real([0.2, 0.001], zero_point=-128, lo=-128, hi=127))
    assert not high_form(Requant.from_real([0.2, 0.3], zero_point=-128, lo=-128, hi=127))


def test_zero_points_that_do_not_fold_need_the_full_form() -> None:
    assert high_form(Requant.of([1 << 30], [54], zero_point=-128, lo=-128, hi=127))
    assert not high_form(Requant.of([1 << 30], [55], zero_point=-128, lo=-128, hi=127))


def test_one_factor_serves_every_channel() -> None:
    requant = Requant.of(1 << 30, 40, zero_point=0, lo=-128, hi=127)
    assert records(requant, np.array([7, 8])).reshape(2, HIGH).tolist() == [[7, 1 << 30, 128, 8], [8, 1 << 30, 128, 8]]


@given(st.integers(-(2**62), 2**62))
def test_low_word(value: int) -> None:
    assert (low_word(value) - value) % WORD == 0 and -(1 << 31) <= low_word(value) < 1 << 31


def test_one_dimensional_data_has_height_one() -> None:
    x, y = Tensor("x", (3, 20)), Tensor("y", (5, 16))
    assert hwc(x) == (1, 20, 3)
    fields = window_fields(x, y, (5,), (1,), (2, 0), (1,))
    assert (fields["window.kernel_h"], fields["window.kernel_w"], fields["window.stride_h"]) == (1, 5, 1)
    assert (fields["window.pad_top"], fields["window.pad_left"]) == (0, 2)
