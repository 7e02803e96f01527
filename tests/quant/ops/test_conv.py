"""Convolution: corner geometry and values, refusals, the exact edge of the overflow proof."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import Conv
from quant.requant import Requant
from tests.quant.machines import check_op, graph_of

RNG = np.random.default_rng(0)
IDENTITY = Requant.of(2**30, 30, zero_point=0, lo=-128, hi=127)


def conv(weight: tuple[int, ...], strides: Any, dilations: Any, pads: Any, groups: int = 1, **requant: Any) -> Conv:
    settings: dict[str, Any] = {"zero_point": -128, "lo": -128, "hi": 127} | requant
    factors = RNG.uniform(0.3, 1.0, weight[0]) / (40 * np.sqrt(np.prod(weight[1:])))
    biases = RNG.integers(-3000, 3000, weight[0])
    return Conv(
        RNG.integers(-127, 128, weight),
        biases,
        Requant.from_real(factors, **settings),
        strides,
        dilations,
        pads,
        groups,
    )


ONE_D = {
    "1-wide": ((1, 1), (1, 1, 1), (1,), (1,), (0, 0), 1),
    "odd channels": ((3, 11), (5, 3, 3), (1,), (1,), (1, 1), 1),
    "causal, dilated": ((3, 20), (7, 3, 5), (1,), (4,), (16, 0), 1),
    "padding larger than the input": ((2, 3), (3, 2, 4), (1,), (1,), (9, 5), 1),
    "kernel seen only through padding": ((1, 1), (2, 1, 7), (2,), (3,), (11, 12), 1),
    "stride beyond the kernel": ((3, 17), (2, 3, 2), (3,), (1,), (0, 1), 1),
    "stride leaves samples unread": ((1, 10), (1, 1, 3), (4,), (1,), (0, 0), 1),
    "depthwise": ((5, 9), (5, 1, 3), (1,), (2,), (3, 1), 5),
    "depthwise, multiplier 3": ((3, 9), (9, 1, 4), (2,), (1,), (0, 3), 3),
    "grouped": ((6, 7), (4, 3, 2), (1,), (1,), (1, 0), 2),
}
TWO_D = {
    "1-wide": ((1, 1, 1), (1, 1, 1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 1),
    "odd everything": ((3, 5, 7), (5, 3, 3, 3), (2, 1), (1, 2), (1, 2, 0, 3), 1),
    "padding larger than the input": ((2, 2, 3), (3, 2, 3, 2), (1, 2), (1, 1), (5, 4, 3, 7), 1),
    "depthwise over rows only": ((4, 6, 1), (8, 1, 6, 1), (1, 1), (1, 1), (0, 0, 0, 0), 4),
    "temporal kernel": ((1, 3, 16), (4, 1, 1, 8), (1, 2), (1, 1), (0, 3, 0, 4), 1),
    "grouped, dilated": ((6, 5, 5), (3, 2, 2, 3), (1, 1), (3, 2), (1, 1, 2, 2), 3),
}


@pytest.mark.parametrize("z", [-128, 0, 127, 3])
@pytest.mark.parametrize("case", [*ONE_D.values(), *TWO_D.values()], ids=[*ONE_D, *(f"2-D {k}" for k in TWO_D)])
def test_corner_geometry(case: Any, z: int) -> None:
    shape, weight, strides, dilations, pads, groups = case
    check_op(conv(weight, strides, dilations, pads, groups), Tensor("x", shape, zero_point=z))


@pytest.mark.parametrize("dtype", [DType.S8, DType.S16])
def test_saturates_at_both_ends(dtype: DType) -> None:
    op = conv((4, 3, 3), (1,), (1,), (1, 1), zero_point=5, lo=dtype.low, hi=dtype.high, dtype=dtype)
    loud = Conv(
        op.weight, op.bias, Requant.of(2**30, 20, zero_point=5, lo=dtype.low, hi=dtype.high, dtype=dtype), *rest(op)
    )
    result = check_op(loud, Tensor("x", (3, 9)))
    assert result.min() == dtype.low and result.max() == dtype.high


def rest(op: Conv) -> tuple[Any, ...]:
    return op.strides, op.dilations, op.pads, op.groups


def test_ties_round_up() -> None:
    half = Conv(
        np.array([[[1]]]), np.array([0]), Requant.of(2**30, 31, zero_point=0, lo=-128, hi=127), (1,), (1,), (0, 0)
    )
    values = {"x": np.array([[[-3, -2, -1, 0, 1, 2, 3]]], np.int8)}
    assert check_op(half, Tensor("x", (1, 7)), values=values)[0, 0].tolist() == [-1, -1, 0, 0, 1, 1, 2]


def test_padding_adds_nothing_whatever_the_zero_point() -> None:
    op = Conv(np.full((1, 1, 3), 127), np.array([0]), IDENTITY, (1,), (1,), (3, 3))
    for z in (-128, 77):
        values = {"x": np.full((1, 1, 1), z, np.int8)}
        assert not check_op(op, Tensor("x", (1, 1), zero_point=z), values=values).any()


def test_one_factor_for_all_channels() -> None:
    op = Conv(
        RNG.integers(-127, 128, (3, 2, 2)),
        np.zeros(3, np.int64),
        Requant.from_real(0.003, zero_point=1, lo=-9, hi=90),
        (1,),
        (1,),
        (0, 0),
    )
    check_op(op, Tensor("x", (2, 6)))


def test_macs_count_padding_as_work() -> None:
    op = conv((5, 3, 4), (2,), (1,), (3, 0))
    assert op.macs(Tensor("x", (3, 11))) == 5 * 3 * 4 * 6 and op.weights == 60
    assert conv((4, 1, 3), (1,), (1,), (1, 1), 4).depthwise and not op.depthwise


def problems(op: Conv, x: Tensor) -> str:
    with pytest.raises(UserError) as caught:
        graph_of(op, x)
    return str(caught.value)


@pytest.mark.parametrize(
    ("op", "shape", "words"),
    [
        (conv((4, 3, 3), (1,), (1,), (0, 0)), (2, 9), "attribute group is 1 with 2 input channels"),
        (conv((4, 3, 3), (1,), (1,), (0, 0)), (3, 9, 9), "weight has shape (4, 3, 3)"),
        (conv((4, 3, 3), (1,), (1,), (0, 0)), (3,), "rank 1 without batch"),
        (conv((4, 1, 3), (1,), (1,), (0, 0), 3), (3, 9), "attribute group is 3"),
        (conv((4, 3, 3), (0,), (1,), (0, 0)), (3, 9), "attribute strides is [0]"),
        (conv((4, 3, 3), (1,), (0,), (0, 0)), (3, 9), "attribute dilations is [0]"),
        (conv((4, 3, 3), (1,), (1,), (-1, 0)), (3, 9), "attribute pads is [-1, 0]"),
        (conv((4, 3, 3), (1,), (1,), (0,)), (3, 9), "attribute pads has 1 values"),
        (conv((4, 3, 3), (1,), (4,), (0, 0)), (3, 8), "dilations [4] does not fit the padded input"),
    ],
)
def test_refusals_name_the_attribute(op: Conv, shape: tuple[int, ...], words: str) -> None:
    text = problems(op, Tensor("x", shape))
    assert words in text and "node 'y' (conv)" in text and "supported:" in text


def test_weights_and_biases_out_of_range() -> None:
    op = Conv(np.array([[[-128]]]), np.array([2**31]), IDENTITY, (1,), (1,), (0, 0))
    text = problems(op, Tensor("x", (1, 4)))
    assert "a weight is -128" in text and "a bias does not fit int32" in text


@pytest.mark.parametrize(("z", "reach"), [(0, 128), (-128, 255), (127, 255), (100, 228)])
def test_accumulator_proof_is_exact(z: int, reach: int) -> None:
    """sum |w| * max|x - z| + |bias| may reach 2^31 - 1 and not 2^31."""
    weight = np.array([[[127, -127, 1]]])
    quiet = Requant.of(1, 1, zero_point=0, lo=-128, hi=127)
    room = 2**31 - 1 - 255 * reach
    for sign in (1, -1):
        graph_of(Conv(weight, np.array([sign * room]), quiet, (1,), (1,), (0, 0)), Tensor("x", (1, 4), zero_point=z))
        over = Conv(weight, np.array([sign * (room + 1)]), quiet, (1,), (1,), (0, 0))
        assert "can reach 2147483648, beyond int32" in problems(over, Tensor("x", (1, 4), zero_point=z))


def test_product_proof_is_exact() -> None:
    a = 2**62 - 1 - 128 * (2**31 - 1)
    for value, fits in ((a, True), (a + 1, False), (-a, True), (-a - 1, False)):
        loud = Requant.of(2**31 - 1, 62, a=value, zero_point=0, lo=-128, hi=127)
        op = Conv(np.array([[[1]]]), np.array([0]), loud, (1,), (1,), (0, 0))
        if fits:
            check_op(op, Tensor("x", (1, 4)))
        else:
            assert "beyond 2^62" in problems(op, Tensor("x", (1, 4)))
