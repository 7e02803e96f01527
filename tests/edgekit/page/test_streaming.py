"""The part of the page about streams."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.boards import load_board
from edgekit.hops import lines, report
from edgekit.page.render import render
from edgekit.page.schema import missing
from edgekit.screen import Screen
from quant.metrics import Metrics
from quant.streaming import stream
from tests.edgekit.page.sample import sample
from tests.quant.streaming.streams import looking_back

COST = {"instructions": 5_000, "latency_ms": 1.5, "energy_mj": 0.25}


SIZES = {"bytes": {"arena": 900, "ram": 1_234, "flash": 5_000, "stack": 80, "weights": 300}, "arena_bound": 900}


def streamed(mode: str, cycles: int = 40_000) -> dict[str, Any]:
    """The sample report with a stream of a small network in it; a window takes 120,000 cycles."""
    step = stream(looking_back(40), 4, mode)
    facts = {"info": step.info, "function": "looking_back_step", "macs": 4_321, "state_bytes": 234, **SIZES}
    metrics = Metrics.of([[1, 0], [0, 1], [0, 1], [1, 0]], [0, 1, 1, 1], 2) if mode == "causal" else None
    costs = {**COST, "cycles": cycles}, {**COST, "cycles": 120_000}
    return {**sample(), "streaming": report(facts, load_board("stm32l475"), *costs, [], metrics)}


@pytest.mark.parametrize("mode", ["exact", "causal"])
def test_the_page_says_what_a_hop_costs(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    whole = streamed(mode)
    page = render(whole)
    assert "3.00 times fewer cycles" in " ".join(page.split())
    assert "looking_back_step" in page
    assert "1,234" in page
    assert ("75.00" in page) == (mode == "causal")
    for layer in whole["streaming"]["layers"]:
        assert layer["why"] in page
    Screen(json=False, quiet=True).show({}, *lines(whole))
    text = capsys.readouterr().out
    assert "3.00 times less" in text
    assert ("accuracy 75.00 %" in text) == (mode == "causal")


def test_a_stream_that_gains_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    whole = streamed("exact", 130_000)
    assert "compute whole windows" in render(whole)
    Screen(json=False, quiet=True).show({}, *lines(whole))
    assert "NO GAIN" in capsys.readouterr().out


def test_what_a_report_of_a_stream_lacks_is_named() -> None:
    whole = streamed("exact")
    assert not [gap for gap in missing(whole) if gap.startswith("streaming.hop")]
    del whole["streaming"]["hop_cost"]["cycles"]
    assert "streaming.hop_cost.cycles" in missing(whole)
