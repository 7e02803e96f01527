"""Sets of positions along time, as sorted intervals ``(start, stop)`` that do not touch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]
Spans = tuple[Span, ...]


def union(*groups: Iterable[Span]) -> Spans:
    """All positions of all groups; empty intervals vanish, neighbours become one."""
    merged: list[Span] = []
    for start, stop in sorted(span for group in groups for span in group if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return tuple(merged)


def intersection(spans: Sequence[Span], window: Span) -> Spans:
    """Positions of ``spans`` inside ``window``."""
    return union((max(a, window[0]), min(b, window[1])) for a, b in spans)


def without(spans: Sequence[Span], hole: Span) -> Spans:
    """Positions of ``spans`` outside ``hole``, which is not empty."""
    return union(((a, min(b, hole[0])) for a, b in spans), ((max(a, hole[1]), b) for a, b in spans))


def length(spans: Sequence[Span]) -> int:
    return sum(b - a for a, b in spans)
