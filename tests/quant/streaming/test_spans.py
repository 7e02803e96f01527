"""Intervals against sets of integers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quant.streaming.spans import Spans, intersection, length, union, without

SPAN = st.tuples(st.integers(0, 20), st.integers(0, 20))
SPANS = st.lists(SPAN, max_size=5)


def members(spans: list[tuple[int, int]] | Spans) -> set[int]:
    return {position for start, stop in spans for position in range(start, stop)}


@given(SPANS, SPANS, SPAN)
def test_intervals_are_sets(
    first: list[tuple[int, int]], second: list[tuple[int, int]], window: tuple[int, int]
) -> None:
    both = union(first, second)
    assert members(both) == members(first) | members(second)
    assert length(both) == len(members(both))
    assert all(before[1] < after[0] for before, after in pairwise(both))
    assert members(intersection(both, window)) == members(both) & members([window])
    if window[0] < window[1]:
        assert members(without(both, window)) == members(both) - members([window])
