"""Change of scale, zero point and type."""

from __future__ import annotations

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.ops import Requantize
from quant.requant import Requant
from tests.quant.machines import check_op, graph_of


def factor(real: float, dtype: DType = DType.S8, z: int = 3) -> Requantize:
    return Requantize(Requant.from_real(real, zero_point=z, lo=dtype.low, hi=dtype.high, dtype=dtype))


@pytest.mark.parametrize("real", [1e-6, 0.2, 0.25, 0.5, 1.0, 1.7, 250.0])
@pytest.mark.parametrize("z", [-128, 0, 127])
def test_every_8_bit_value(real: float, z: int) -> None:
    values = {"x": np.arange(-128, 128, dtype=np.int8).reshape(1, 256)}
    for dtype in (DType.S8, DType.S16):
        check_op(factor(real, dtype), Tensor("x", (256,), zero_point=z), values=values)


def test_every_16_bit_value() -> None:
    values = {"x": np.arange(-32768, 32768, dtype=np.int16).reshape(1, 256, 256)}
    check_op(factor(0.0041), Tensor("x", (256, 256), DType.S16, 100), values=values)


def test_32_bit_extremes() -> None:
    values = {"x": np.array([[-(2**31), -(2**31) + 1, -1, 0, 1, 2**31 - 1]], np.int32)}
    small = Requantize(Requant.of(2**20, 44, zero_point=0, lo=-128, hi=127))
    result = check_op(small, Tensor("x", (6,), DType.S32), values=values)
    assert result[0].tolist() == [-128, -128, 0, 0, 0, 127]


def test_identity_keeps_values() -> None:
    values = {"x": np.arange(-128, 128, dtype=np.int8).reshape(1, 256)}
    assert np.array_equal(check_op(factor(1.0, z=-5), Tensor("x", (256,), zero_point=-5), values=values), values["x"])


@pytest.mark.parametrize(
    ("op", "x", "words"),
    [
        (Requantize(Requant.of(2**31 - 1, 33, zero_point=0, lo=0, hi=1)), Tensor("x", (4,), DType.S32), "beyond 2^62"),
        (
            Requantize(Requant.of(1, 31, zero_point=0, lo=0, hi=1)),
            Tensor("x", (4,), DType.S32, 1),
            "s32 with zero point 1",
        ),
        (Requantize(Requant.of([1], [1], zero_point=0, lo=0, hi=1)), Tensor("x", (1,)), "per channel"),
        (Requantize(Requant.of(1, 1, zero_point=0, lo=0, hi=200)), Tensor("x", (1,)), "clip bounds [0, 200]"),
        (factor(1.0), Tensor("x", (4,), DType.B1), "type b1"),
    ],
)
def test_refusals(op: Requantize, x: Tensor, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(op, x)
    assert words in str(caught.value)


@pytest.mark.parametrize("sign", [1, -1])
def test_product_proof_covers_the_lowest_32_bit_value(sign: int) -> None:
    """-2^31 * m + a must stay inside 2^62: exact at the edge."""
    a = sign * (2**62 - 1 - 2**31 * 2**30)
    x = Tensor("x", (4,), DType.S32)
    graph_of(Requantize(Requant.of(2**30, 62, a=a, zero_point=0, lo=-128, hi=127)), x)
    with pytest.raises(UserError, match=r"beyond 2\^62"):
        graph_of(Requantize(Requant.of(2**30, 62, a=a + sign, zero_point=0, lo=-128, hi=127)), x)
