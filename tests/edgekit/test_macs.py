"""MACs and computed parts in words."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.macs import computed_share, macs_line, output_words


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (None, "1,000 MACs in the network; 250 executed; 9 weights"),
        ("faithful", "1,000 MACs in the network, in published order; 250 executed, faithful; 9 weights"),
        ("spatial-first", "1,000 MACs in the network, in published order; 250 executed, spatial-first; 9 weights"),
    ],
)
def test_both_counts_and_their_orders(order: str | None, words: str) -> None:
    facts: dict[str, Any] = {"macs": 1_000, "executed_macs": 250, "params": 9}
    assert macs_line({**facts, "order": order}) == words
    if order is None:
        assert macs_line(facts) == words


def test_the_part_of_a_layer() -> None:
    output = {"shape": [12, 1, 1], "part": [[0, 12], [0, 1], [16, 17]], "whole": [12, 1, 17]}
    assert (output_words(output), computed_share(output)) == ("12x1x1 of 17", 1 / 17)
    assert (output_words({"shape": [12, 1]}), computed_share({"shape": [12, 1]})) == ("12x1", 1.0)
