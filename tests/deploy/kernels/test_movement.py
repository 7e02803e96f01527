"""Loop nests of copies."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.kernels.base import Call
from deploy.kernels.movement import copy_call, loops
from quant.dtypes import DType


def visited(nest: list[tuple[int, int, int]], source: int, target: int) -> list[tuple[int, int]]:
    steps = list(product(*(range(size) for size, _, _ in nest)))
    return [
        (
            source + sum(i * step for i, (_, step, _) in zip(index, nest, strict=True)),
            target + sum(i * step for i, (_, _, step) in zip(index, nest, strict=True)),
        )
        for index in steps
    ]


@given(st.permutations(range(3)), st.tuples(*[st.integers(1, 4)] * 3), st.tuples(*[st.integers(1, 3)] * 3))
def test_nest_visits_what_was_asked_for(perm: list[int], shape: tuple[int, ...], steps: tuple[int, ...]) -> None:
    whole = np.arange(np.prod(np.multiply(shape, steps))).reshape(np.multiply(shape, steps))
    source = whole[tuple(slice(None, None, step) for step in steps)].transpose(perm).ravel() + 5
    target = np.arange(source.size) + 7
    nest = loops(source, target)
    assert nest is not None and len(nest) <= 3
    assert visited(nest, 5, 7) == list(zip(source.tolist(), target.tolist(), strict=True))


def test_a_plain_copy_is_one_loop() -> None:
    assert loops(np.arange(24), np.arange(24) + 3) == [(24, 1, 1)]
    assert loops(np.array([4]), np.array([9])) == []


def test_no_nest_for_an_arbitrary_order() -> None:
    assert loops(np.array([0, 1, 3]), np.arange(3)) is None


@pytest.mark.parametrize("dtype", [DType.S8, DType.S16, DType.S32])
def test_arbitrary_order_is_copied_by_index(dtype: DType) -> None:
    source, target = np.array([5, 0, 3, 4, 1]), np.array([4, 3, 0, 1, 2])
    call: Call = copy_call(source, target, dtype)
    assert call.function == "ek_scatter"
    assert call.geometry[1] == {"bytes": dtype.bits // 8, "elements": 5}
    pairs = set(zip(call.arrays[0].values.tolist(), call.arrays[1].values.tolist(), strict=True))
    assert pairs == set(zip(source.tolist(), target.tolist(), strict=True))
