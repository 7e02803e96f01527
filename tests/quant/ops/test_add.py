"""Two-input addition."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import floor

import numpy as np
import pytest

from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import Add
from tests.quant.machines import check_op, graph_of

SCALES = [
    ((0.1, 0), (0.1, 0), (0.1, 0)),
    ((0.1, -128), (0.2, 3), (0.3, -5)),
    ((0.001, 127), (7.0, -128), (6.5, 0)),
    ((1.0, 0), (1.0, 0), (2.0, 0)),
    ((3.0, 5), (0.5, 5), (0.25, -128)),
    ((1e-6, 5), (1e3, 5), (900.0, 100)),
]
EVERY = np.array(list(product(range(-128, 128), repeat=2)), np.int8).T


@pytest.mark.parametrize(("first", "second", "output"), SCALES)
def test_every_pair_of_values(first: tuple, second: tuple, output: tuple) -> None:
    tensors = [Tensor(n, (256, 256), zero_point=t[1], scale=t[0]) for n, t in (("p", first), ("q", second))]
    op = Add.from_scales(first, second, output)
    given = {n: row.reshape(1, 256, 256) for n, row in zip("pq", EVERY, strict=True)}
    result = check_op(op, *tensors, values=given)
    real = [Fraction(float(np.float64(t[0]) / output[0])) for t in (first, second)]
    worst = Fraction(0)
    for p, q, y in zip(*(row[::37].tolist() for row in EVERY), result.ravel()[::37].tolist(), strict=True):
        exact = real[0] * (p - first[1]) + real[1] * (q - second[1])
        nearest = max(-128, min(127, floor(exact + Fraction(1, 2)) + output[1]))
        worst = max(worst, abs(exact + Fraction(1, 2) - round(exact + Fraction(1, 2)))) if y != nearest else worst
        assert abs(y - nearest) <= 1
    assert worst < Fraction(1, 2**20), "differs from the real sum only next to a tie"


def test_same_tensor_twice_and_narrow_bounds() -> None:
    op = Add.from_scales((0.1, -3), (0.1, -3), (0.2, 0), lo=0, hi=50)
    graph = graph_of(op, Tensor("p", (2, 3), zero_point=-3), Tensor("q", (2, 3), zero_point=-3))
    assert graph.tensors["y"].zero_point == 0
    result = check_op(op, Tensor("p", (2, 3), zero_point=-3), Tensor("q", (2, 3), zero_point=-3))
    assert result.min() == 0 and result.max() == 50


def test_equal_scales_add_exactly() -> None:
    op = Add.from_scales((0.1, 0), (0.1, 0), (0.1, 0))
    given = {"p": np.array([[-100, 5, 100, 1]], np.int8), "q": np.array([[-100, -7, 100, 1]], np.int8)}
    assert check_op(op, Tensor("p", (4,)), Tensor("q", (4,)), values=given)[0].tolist() == [-128, -2, 127, 2]


@pytest.mark.parametrize(
    ("op", "words"),
    [
        (Add(2**31, 1, 0, 31, 0), "m1 is outside int32"),
        (Add(1, -(2**31) - 1, 0, 31, 0), "m2 is outside int32"),
        (Add(1, 1, 0, 63, 0), "s is outside 1..62"),
        (Add(1, 1, 0, 31, 0, lo=3, hi=2), "clip bounds [3, 2]"),
        (Add(1, 1, 0, 31, 128), "zero point 128"),
        (Add(1, 1, 2**62 - 256, 31, 0), "beyond 2^62"),
    ],
)
def test_factors_out_of_range(op: Add, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(op, Tensor("p", (4,)), Tensor("q", (4,)))
    assert words in str(caught.value)


def test_product_proof_is_exact() -> None:
    check_op(Add(1, 1, 2**62 - 257, 61, 0), Tensor("p", (4,)), Tensor("q", (4,)))


def test_no_broadcasting() -> None:
    with pytest.raises(UserError, match=r"inputs have shapes \(4,\) and \(1,\)"):
        graph_of(Add(1, 1, 0, 1, 0), Tensor("p", (4,)), Tensor("q", (1,)))
