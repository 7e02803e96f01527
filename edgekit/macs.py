"""MACs in words: those of the network's table in its published order, and those that the image executes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any


def macs_line(facts: Mapping[str, Any]) -> str:
    """Both counts and their orders; ``facts``: of build.json or a report."""
    order = facts.get("order")
    table, executed = (", in published order", f", {order}") if order else ("", "")
    return (
        f"{facts['macs']:,} MACs in the network{table}; {facts['executed_macs']:,} executed{executed}; "
        f"{facts['params']:,} weights"
    )


def output_words(output: Mapping[str, Any]) -> str:
    """A layer's output (build.json) axis by axis: what is computed, and of how many where that is not all."""
    pairs = zip(output["shape"], output.get("whole", output["shape"]), strict=True)
    return "x".join(f"{size}" if size == whole else f"{size} of {whole}" for size, whole in pairs)


def computed_share(output: Mapping[str, Any]) -> float:
    """How much of a layer's output (build.json) is computed; 1: everything."""
    return prod(output["shape"]) / prod(output["whole"]) if "part" in output else 1.0
