"""Arena planning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.memory import ALIGNMENT, Buffer, aligned, plan

buffers = st.lists(
    st.tuples(st.integers(1, 500), st.integers(0, 12), st.integers(0, 12)).map(
        lambda t: (t[0], min(t[1:]), max(t[1:])),
    ),
    min_size=1,
    max_size=14,
).map(lambda rows: [Buffer(f"b{i}", *row) for i, row in enumerate(rows)])


@given(buffers)
def test_live_buffers_never_share_bytes(live: list[Buffer]) -> None:
    arena = plan(live)
    for i, first in enumerate(live):
        start = arena.offsets[first.name]
        assert start % ALIGNMENT == 0
        assert start >= 0 and start + first.size <= arena.size
        for second in live[i + 1 :]:
            other = arena.offsets[second.name]
            apart = start + first.size <= other or other + second.size <= start
            assert apart or not first.meets(second)


@given(buffers)
def test_size_is_not_below_the_live_set(live: list[Buffer]) -> None:
    arena = plan(live)
    steps = range(13)
    most = max(sum(aligned(b.size) for b in live if b.first <= s <= b.last) for s in steps)
    assert arena.bound == most <= arena.size


def test_dead_buffers_make_room() -> None:
    chain = [Buffer("a", 100, 0, 1), Buffer("b", 100, 1, 2), Buffer("c", 100, 2, 3)]
    assert plan(chain).size == 2 * aligned(100)


def test_same_input_same_plan() -> None:
    rows = [Buffer(f"b{i}", 64, i % 3, i % 3 + 2) for i in range(9)]
    assert plan(rows) == plan(list(reversed(rows)))
