"""Elements at equal distances, against sets of elements one by one."""

from __future__ import annotations

from math import gcd

from hypothesis import given
from hypothesis import strategies as st

from deploy.lattice import Line, count, joined, plain, read, shape_of, thinned, whole, within


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """A line of one to five elements; one element has any step, or none."""
    first, step, length = draw(st.integers(0, 9)), draw(st.integers(1, 6)), draw(st.integers(1, 5))
    return first, first + (length - 1) * step + 1, step if length > 1 else draw(st.integers(0, 6))


def elements(line: Line) -> set[int]:
    return set(range(line[0], line[1], line[2] or 1))


@given(lines(), lines())
def test_two_lines_joined(one: Line, other: Line) -> None:
    (line,) = joined((one,), (other,))
    both = elements(one) | elements(other)
    assert both <= elements(line)
    assert (min(both), max(both) + 1) == line[:2]
    distances = gcd(*(b - a for a in both for b in both), one[2], other[2])
    assert line[2] == distances


@given(lines(), lines())
def test_a_line_in_what_is_stored(one: Line, other: Line) -> None:
    (stored,) = plain(joined((one,), (other,)))
    there = sorted(elements(stored))
    assert {there[at] for at in elements(within(one, stored))} == elements(one)
    assert within(one, stored)[2] >= 1


@given(lines(), st.integers(0, 6))
def test_what_is_thinned_keeps_its_elements(line: Line, step: int) -> None:
    (dense,) = thinned((line,), (step,))
    assert elements(line) <= elements(dense) and dense[:2] == line[:2]
    assert count(dense) == len(elements(dense))


def test_single_elements_have_no_step_of_their_own() -> None:
    assert plain(((3, 4, 8), (2, 3, 0), (0, 9, 4))) == ((3, 4, 1), (2, 3, 1), (0, 9, 4))
    assert shape_of(((3, 4, 8), (0, 9, 4))) == (1, 3)
    assert shape_of(whole((2, 5))) == (2, 5)


def read_one_by_one(out: Line, size: int, kernel: int, stride: int, dilation: int, pad: int) -> list[int]:
    """What the taps of all windows in ``out`` read of an axis."""
    taps = {o * stride - pad + k * dilation for o in range(*out) for k in range(kernel)}
    return sorted(at for at in taps if 0 <= at < size)


@given(data=st.data())
def test_windows_read_what_their_line_says(data: st.DataObject) -> None:
    size, kernel, stride, dilation = (data.draw(st.integers(1, n)) for n in (14, 4, 4, 6))
    pad, first, step, outputs = (data.draw(st.integers(a, b)) for a, b in ((0, 12), (0, 4), (1, 4), (1, 4)))
    out = (first, first + (outputs - 1) * step + 1, step)
    there = read_one_by_one(out, size, kernel, stride, dilation, pad)
    line = read(out, size, kernel, stride, dilation, pad)
    assert set(there) <= set(range(line[0], line[1], line[2] or 1))
    assert 0 <= line[0] < line[1] <= size
    if there:
        assert line[2] == gcd(step * stride if outputs > 1 else 0, dilation if kernel > 1 else 0)
