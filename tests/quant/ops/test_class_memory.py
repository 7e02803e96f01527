"""Accumulate, count, erase: one class of a memory changes, the others stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import Accumulate, Count, Erase, Op
from tests.quant.machines import check_op, graph_of

LABEL = Tensor("label", (1,), DType.S32)
LABELS = np.array([[0], [2], [-1], [3], [2**31 - 1], [-(2**31)]], np.int32)


def memory_of(shape: tuple[int, ...], dtype: DType, zero_point: int = 0) -> tuple[Tensor, NDArray]:
    """A memory and a value of it for each of LABELS: extremes and a middle."""
    values = np.random.default_rng(1).choice([dtype.low, dtype.low + 1, 0, 7, dtype.high], (len(LABELS), *shape))
    return Tensor("memory", shape, dtype, zero_point), values.astype(dtype.numpy)


@pytest.mark.parametrize("dtype", [DType.S16, DType.S32])
@pytest.mark.parametrize("kind", [DType.B1, DType.S8])
@pytest.mark.parametrize("channels", [1, 33])
def test_a_value_is_added_to_one_class_and_saturates(dtype: DType, kind: DType, channels: int) -> None:
    memory, before = memory_of((channels, 3), dtype)
    value = Tensor("value", (channels,), kind, 5 if kind is DType.S8 else 0)
    given = np.random.default_rng(2).integers(kind.low, kind.high, (len(LABELS), channels), endpoint=True)
    given = given.astype(kind.numpy)
    values = {"memory": before, "value": given, "label": LABELS}
    after = check_op(Accumulate.of(dtype, kind), memory, value, LABEL, values=values)
    changed = np.any(after != before, axis=1)
    assert not changed[2:].any() and not changed[:, 1].any() and changed[0, 0]


@pytest.mark.parametrize("dtype", [DType.S16, DType.S32])
def test_count_stops_at_its_limit(dtype: DType) -> None:
    memory, before = memory_of((3,), dtype)
    after = check_op(Count(dtype.high), memory, LABEL, values={"memory": before, "label": LABELS})
    np.testing.assert_array_equal(after[2:], before[2:])
    full = np.full((len(LABELS), 3), dtype.high, dtype.numpy)
    assert (check_op(Count(dtype.high), memory, LABEL, values={"memory": full, "label": LABELS}) == dtype.high).all()


@pytest.mark.parametrize(("shape", "dtype"), [((5, 3), DType.S16), ((3,), DType.S32), ((40, 3), DType.B1)])
def test_erase_sets_one_class_to_zero(shape: tuple[int, ...], dtype: DType) -> None:
    zero_point = 0 if dtype is DType.B1 else 7
    memory = Tensor("memory", shape, dtype, zero_point)
    before = np.full((len(LABELS), *shape), 1, dtype.numpy)
    after = check_op(Erase(), memory, LABEL, values={"memory": before, "label": LABELS})
    assert (after[0, ..., 0] == zero_point).all() and (after[1, ..., 2] == zero_point).all()
    assert (after[2:] == 1).all() and (after[0, ..., 1:] == 1).all()


@pytest.mark.parametrize(
    ("op", "inputs"),
    [
        (Accumulate(-5, 9, True), (memory_of((4, 3), DType.S16)[0], Tensor("value", (4,), DType.B1), LABEL)),
        (Accumulate(0, 2**31 - 1, False), (memory_of((4, 3), DType.S32)[0], Tensor("value", (4,), DType.S8, 9), LABEL)),
        (Count(77), (memory_of((3,), DType.S32)[0], LABEL)),
        (Erase(), (memory_of((4, 3), DType.S16, 3)[0], LABEL)),
    ],
)
def test_read_back(op: Op, inputs: tuple[Tensor, ...]) -> None:
    graph = graph_of(op, *inputs)
    again = from_onnx(to_onnx(graph))
    assert again.nodes == graph.nodes and again.tensors == graph.tensors


WRONG: list[tuple[Op, tuple[Any, ...], str]] = [
    (Accumulate.of(DType.S16, DType.B1), ((4, 3), DType.S16, DType.S8), r"value 'value' is s8"),
    (Accumulate.of(DType.S16, DType.S8), ((4, 3), DType.S16, DType.B1), r"value 'value' is b1"),
    (Accumulate.of(DType.S16, DType.B1), ((4,), DType.S16, DType.B1), r"memory 'memory' has shape \(4,\)"),
    (Accumulate.of(DType.S16, DType.B1), ((4, 3), DType.S8, DType.B1), r"memory 'memory' has type s8"),
    (Accumulate.of(DType.S32, DType.B1), ((4, 3), DType.S16, DType.B1), r"its limits are -2147483648\.\."),
]


@pytest.mark.parametrize(("op", "facts", "message"), WRONG)
def test_refusals(op: Op, facts: tuple[Any, ...], message: str) -> None:
    shape, memory, value = facts
    with pytest.raises(UserError, match=message):
        graph_of(op, Tensor("memory", shape, memory), Tensor("value", (4,), value), LABEL)


def test_refusals_of_labels_and_limits() -> None:
    counts = Tensor("memory", (3,), DType.S16)
    with pytest.raises(UserError, match="label 'label' is s16"):
        graph_of(Count(9), counts, Tensor("label", (1,), DType.S16))
    with pytest.raises(UserError, match="its limit is 40000"):
        graph_of(Count(40_000), counts, LABEL)
    with pytest.raises(UserError, match="has 1 inputs"):
        graph_of(Erase(), counts)
