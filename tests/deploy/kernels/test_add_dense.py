"""Packing of dense and add: storage orders, halves of factors, and when the DSP variants decline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.kernels.add import PortableAdd, SmladAdd, halves
from deploy.kernels.base import Site
from deploy.kernels.dense import PortableDense, SmladDense, pack_fours
from deploy.layout import Layout
from quant.graph import Tensor
from quant.ops import Add, Dense
from quant.requant import Requant
from tests.firmware.case import Case
from tests.firmware.harness import site_of


def add_site(op: Add, elements: int = 8) -> Site:
    x = np.zeros(elements, np.int64)
    return site_of(Case("add", op, (Tensor("p", (elements,)), Tensor("q", (elements,))), (x, x)))


@given(st.integers(-(2**31), 2**31 - 1))
def test_halves_make_the_factor(m: int) -> None:
    low, high = halves(m)
    assert high * 2**16 + low == m and -(2**15) <= low < 2**15


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (Add(2**31 - 1, 1, 0, 30, 0), "upper half"),
        (Add(1000, 1000, 0, 16, 0), "32-bit sums"),
        (Add(1000, 1000, 1 << 50, 40, 0), "32-bit sums"),
        (Add(1000, 1000, 0, 45, -128), "32-bit sums"),
    ],
)
def test_dsp_add_declines_what_its_lanes_cannot_hold(op: Add, reason: str) -> None:
    assert reason in (SmladAdd().unsupported(add_site(op)) or "")
    assert PortableAdd().unsupported(add_site(op)) is None


def test_dsp_add_takes_usual_scales() -> None:
    op = Add.from_scales((0.02, -128), (0.03, 127), (0.035, 5))
    assert SmladAdd().unsupported(add_site(op)) is None
    assert "four elements" in (SmladAdd().unsupported(add_site(op, 3)) or "")


def dense_site(layout: Layout | None = None) -> Site:
    weight = np.arange(24).reshape(2, 12)
    op = Dense(weight, np.array([10, 20]), Requant.of(1 << 30, 40, zero_point=0, lo=-128, hi=127))
    x = Tensor("x", (12,), zero_point=5)
    return site_of(Case("dense", op, (x,), (np.zeros(12, np.int64),), (layout,) if layout else None))


def test_columns_follow_the_storage_order() -> None:
    (call,) = PortableDense().calls(dense_site(Layout((3, 4), (1, 0))))
    assert call.arrays[0].values[:12].tolist() == np.arange(12).reshape(3, 4).T.ravel().tolist()


def test_zero_point_is_folded_into_the_bias() -> None:
    (call,) = SmladDense().calls(dense_site())
    assert call.arrays[1].values[[0, 4]].tolist() == [10 - 5 * sum(range(12)), 20 - 5 * sum(range(12, 24))]


@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (5, 8), (6, 9), (11, 3)])
def test_words_of_four_inputs(outputs: int, inputs: int) -> None:
    weight = np.arange(outputs * inputs).reshape(outputs, inputs) % 255 - 127
    words = pack_fours(weight)
    blocks = -(-outputs // 5)
    width = -(-outputs // blocks)
    at = 0
    for first in range(0, outputs, width):
        rows = min(width, outputs - first)
        block = words[at : at + rows * -(-inputs // 4)].reshape(-1, rows)
        for row in range(rows):
            stored = block[:, row].astype("<u4").tobytes()
            expected = weight[first + row].astype(np.int8).tobytes()
            assert stored[:inputs] == expected and not any(stored[inputs:])
        at += block.size
    assert at == words.size
