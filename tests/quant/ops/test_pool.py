"""Average, maximum and global pooling."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest

from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import AveragePool, MaxPool
from quant.requant import Requant
from tests.quant.machines import check_op, graph_of

CASES: list[tuple[tuple[int, ...], ...]] = [
    ((1, 1), (1,), (1,), (0, 0)),
    ((3, 9), (2,), (2,), (0, 0)),
    ((3, 9), (9,), (1,), (0, 0)),
    ((5, 7), (3,), (2,), (2, 1)),
    ((2, 3), (4,), (1,), (3, 3)),
    ((1, 1, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
    ((3, 5, 7), (5, 7), (1, 1), (0, 0, 0, 0)),
    ((3, 5, 7), (2, 3), (3, 1), (1, 0, 0, 2)),
    ((5, 1, 8), (1, 4), (1, 4), (0, 3, 0, 1)),
]


@pytest.mark.parametrize("z", [-128, 0, 127])
@pytest.mark.parametrize("case", CASES)
def test_average(case: tuple[Any, ...], z: int) -> None:
    shape, kernel, strides, pads = case
    op = AveragePool.from_scales(kernel, strides, pads, 1.3, zero_point=-7, lo=-100, hi=90)
    check_op(op, Tensor("x", shape, zero_point=z))


@pytest.mark.parametrize("z", [-128, 0, 127])
@pytest.mark.parametrize("case", CASES)
def test_maximum(case: tuple[Any, ...], z: int) -> None:
    shape, kernel, strides, pads = case
    check_op(MaxPool(kernel, strides, pads), Tensor("x", shape, zero_point=z))


def test_padding_never_wins() -> None:
    values = {"x": np.full((1, 1, 3), -128, np.int8)}
    assert (check_op(MaxPool((2,), (1,), (1, 1)), Tensor("x", (1, 3), zero_point=0), values=values) == -128).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 100, 1125])
def test_mean_of_equal_scales_is_the_rounded_mean(n: int) -> None:
    op = AveragePool.from_scales((n,), (1,), (0, 0), 1.0, zero_point=0)
    values = np.random.default_rng(n).integers(-128, 128, (50, 1, n)).astype(np.int8)
    result = check_op(op, Tensor("x", (1, n)), values={"x": values}).ravel()
    exact = [Fraction(int(row.sum()), n) for row in values.astype(int)]
    near = [abs(e + Fraction(1, 2) - round(e + Fraction(1, 2))) < Fraction(1, 2**20) for e in exact]
    for y, e, tie in zip(result.tolist(), exact, near, strict=True):
        assert y == floor(e + Fraction(1, 2)) or (tie and n & (n - 1)), "only odd divisors may miss an exact tie"


@pytest.mark.parametrize(
    "op", [MaxPool((2,), (1,), (2, 0)), AveragePool.from_scales((2,), (1,), (0, 2), 1, zero_point=0)]
)
def test_windows_of_padding_alone_are_refused(op: Any) -> None:
    with pytest.raises(UserError, match="windows without any element"):
        graph_of(op, Tensor("x", (1, 5)))


@pytest.mark.parametrize(
    ("op", "shape", "words"),
    [
        (MaxPool((2,), (1,), (0, 0)), (2, 3, 4), "kernel_shape [2] does not fit an input of 2 spatial dimensions"),
        (MaxPool((2,), (1,), (0, 0)), (5,), "rank 1 without batch"),
        (MaxPool((9,), (1,), (0, 0)), (1, 5), "does not fit the padded input"),
        (MaxPool((2,), (0,), (0, 0)), (1, 5), "attribute strides is [0]"),
        (AveragePool((1,), (1,), (0, 0), Requant.of([1], [1], zero_point=0, lo=0, hi=0)), (1, 5), "per channel"),
        (AveragePool((1,), (1,), (0, 0), Requant.of(1, 63, a=0, zero_point=0, lo=0, hi=0)), (1, 5), "s is outside"),
    ],
)
def test_refusals(op: Any, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(UserError, match="node 'y'") as caught:
        graph_of(op, Tensor("x", shape))
    assert words in str(caught.value)


def test_proof_is_exact() -> None:
    """255 * N may reach 2^31 - 1 and not 2^31."""
    most = (2**31 - 1) // 255
    quiet = Requant.of(1, 1, zero_point=0, lo=-128, hi=127)
    x = Tensor("x", (1, most + 1), zero_point=-128)
    graph_of(AveragePool((most,), (1,), (0, 0), quiet), x)
    with pytest.raises(UserError, match="beyond int32"):
        graph_of(AveragePool((most + 1,), (1,), (0, 0), quiet), x)
