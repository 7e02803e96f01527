"""The sentence that a report starts with: whether the model fits the board and keeps up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgekit.page.figures import MILLISECONDS, amount, period, quantity


@dataclass(frozen=True)
class Decision:
    """``good``: it fits, it keeps up, and every machine gave the same bytes."""

    good: bool
    headline: str


def decide(report: Mapping[str, Any]) -> Decision:
    """What a reader wants to know first.

    Keeping up is judged by the slow end of the latency's band: a promise must hold for it too.
    """
    model, board = report["model"], report["board"]
    if short := _shortages(report["memory"]):
        return Decision(False, f"{model} does not fit {board}: {' and '.join(short)}.")
    if differing := [entry["machine"] for entry in report.get("agreement", ()) if entry["different"]]:
        return Decision(False, f"{model} fits {board}, but {' and '.join(differing)} computed other bytes.")
    slowest, every = report["cost"]["latency_ms_high"], report["duty"]["period_s"]
    if slowest > 1000 * every:
        takes = quantity(slowest, MILLISECONDS)
        headline = f"{model} fits {board}, but may take {takes} when an inference is due every {period(every)}."
        return Decision(False, headline)
    return Decision(True, f"{model} fits {board} and keeps up with one inference every {period(every)}.")


def _shortages(memory: Mapping[str, int]) -> list[str]:
    names = ("flash", "RAM", "L1", "L2", "L3")
    uses = [(name, f"{name.lower()}_bytes", f"{name.lower()}_available") for name in names]
    return [
        f"{name} is {amount(memory[used] - memory[available], 'bytes')} short"
        for name, used, available in uses
        if used in memory and memory[used] > memory[available]
    ]
