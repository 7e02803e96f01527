"""Fully connected layers."""

from __future__ import annotations

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import Dense
from quant.requant import Requant
from tests.quant.machines import check_op, graph_of

RNG = np.random.default_rng(1)


def dense(out: int, inputs: int, dtype: DType = DType.S8, per_channel: bool = True) -> Dense:
    factors = RNG.uniform(0.3, 1.0, out if per_channel else ()) / (40 * np.sqrt(inputs))
    requant = Requant.from_real(factors, zero_point=-7, lo=dtype.low, hi=dtype.high, dtype=dtype)
    return Dense(RNG.integers(-127, 128, (out, inputs)), RNG.integers(-3000, 3000, out), requant)


@pytest.mark.parametrize("z", [-128, 0, 127])
@pytest.mark.parametrize(("out", "inputs"), [(1, 1), (1, 33), (5, 1), (7, 13), (3, 300)])
@pytest.mark.parametrize("per_channel", [True, False])
def test_corner_sizes(out: int, inputs: int, z: int, per_channel: bool) -> None:
    check_op(dense(out, inputs, per_channel=per_channel), Tensor("x", (inputs,), zero_point=z))


def test_16_bit_output() -> None:
    assert check_op(dense(4, 9, DType.S16), Tensor("x", (9,))).dtype == np.int16


def test_extreme_sums_saturate() -> None:
    op = Dense(
        np.array([[127] * 50, [-127] * 50]), np.zeros(2, np.int64), Requant.of(1, 1, zero_point=0, lo=-128, hi=127)
    )
    values = {"x": np.full((1, 50), -128, np.int8)}
    assert check_op(op, Tensor("x", (50,)), values=values)[0].tolist() == [-128, 127]


@pytest.mark.parametrize(
    ("op", "shape", "words"),
    [
        (dense(3, 5), (4,), "weight (5, 3) does not fit an input of 4 values"),
        (dense(3, 5), (5, 1), "rank 2 without batch"),
        (Dense(np.zeros((2, 4), np.int64), np.zeros(3, np.int64), dense(2, 4).requant), (4,), "bias has shape (3,)"),
        (Dense(np.zeros((2, 4), np.int64), np.zeros(2, np.int64), dense(3, 4).requant), (4,), "3 channels"),
    ],
)
def test_refusals(op: Dense, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(UserError, match="node 'y'") as caught:
        graph_of(op, Tensor("x", shape))
    assert words in str(caught.value)


def test_weights_and_macs() -> None:
    assert dense(3, 5).weights == dense(3, 5).macs(Tensor("x", (5,))) == 15
