"""Boxes of tensors in their logical axes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deploy.box import Box, contiguous, slices, start, whole


@st.composite
def boxes(draw: st.DrawFn) -> tuple[tuple[int, ...], Box]:
    """A shape and a box of it."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    firsts = [draw(st.integers(0, size - 1)) for size in shape]
    return shape, tuple((a, draw(st.integers(a + 1, size))) for a, size in zip(firsts, shape, strict=True))


@given(boxes())
def test_a_box_where_it_is_stored(drawn: tuple[tuple[int, ...], Box]) -> None:
    shape, box = drawn
    stored = np.moveaxis(np.arange(np.prod(shape)).reshape(*shape[1:], shape[0]), -1, 0)
    at = np.moveaxis(stored[slices(box)], 0, -1).ravel()
    assert stored[slices(whole(shape))].shape == shape
    assert start(box, shape) == at[0]
    assert contiguous(box, shape) == (at[-1] - at[0] + 1 == len(at))
