"""Counters -> bits, with tie bits from a seed."""

from __future__ import annotations

import numpy as np
import pytest

from quant import splitmix
from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import Majority
from tests.quant.machines import check_op, graph_of


@pytest.mark.parametrize(("shape", "dtype"), [((1,), DType.S16), ((70,), DType.S32), ((65, 3), DType.S16)])
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_sign_and_ties(shape: tuple[int, ...], dtype: DType, seed: int) -> None:
    values = np.random.default_rng(3).integers(-1, 2, (4, *shape)).astype(dtype.numpy)
    values[0], values[1], values[2] = 0, dtype.low, dtype.high
    bits = check_op(Majority(seed), Tensor("x", shape, dtype), values={"x": values})
    ties = splitmix.bits(seed, 0, shape[0])
    np.testing.assert_array_equal(
        bits[0].reshape(shape[0], -1).T, np.broadcast_to(ties, (bits[0].size // len(ties), len(ties)))
    )
    assert not bits[1].any() and bits[2].all()


def test_the_zero_point_is_the_tie() -> None:
    values = np.array([[4, 5, 6]], np.int16)
    bits = check_op(Majority(1), Tensor("x", (3,), DType.S16, 5), values={"x": values})
    assert bits[0].tolist() == [False, splitmix.bits(1, 0, 2)[1], True]


@pytest.mark.parametrize("seed", [5, 2**63, 2**64 - 1])
def test_read_back(seed: int) -> None:
    graph = graph_of(Majority(seed), Tensor("x", (9, 2), DType.S16, 4))
    assert from_onnx(to_onnx(graph)).nodes == graph.nodes


def test_refusals() -> None:
    with pytest.raises(UserError, match="its seed is -1"):
        graph_of(Majority(-1), Tensor("x", (3,), DType.S16))
    model = to_onnx(graph_of(Majority(5), Tensor("x", (9,), DType.S16)))
    (seed,) = (a for node in model.graph.node for a in node.attribute if a.name == "seed")
    seed.i = 6
    with pytest.raises(UserError, match="not the random bits of seed 6"):
        from_onnx(model)
