"""The page from the report: templates, filled with nothing that the report does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from edgekit.page import charts, figures
from edgekit.page.curve import accuracy_curve
from edgekit.page.decision import decide
from edgekit.page.memory_map import memory_map, peak
from edgekit.page.response import response_plot
from edgekit.page.scalp import scalp_map, unplaced
from edgekit.page.schema import OPTIONAL
from edgekit.page.subjects import by_subject, mean, subject_bars
from edgekit.sizes import CLUSTER_MEMORY, ram_bytes

TEMPLATES = Path(__file__).parent / "templates"

# key in report.json, its name, what it means
CATEGORIES = (
    ("execute", "execute", "issue and execution of instructions"),
    ("load_use", "load-use", "waiting for a value that was loaded or computed just before"),
    ("branch", "branch", "refilling the pipeline after a branch"),
    ("fetch", "fetch stall", "waiting for instructions from memory"),
    ("data", "data stall", "waiting for data from memory, unaligned accesses"),
)


# The same where a cluster ran; the cycles are those of all its cores.
CLUSTER_CATEGORIES = (
    *CATEGORIES[:3],
    ("conflict", "bank conflict", "waiting for a bank of L1 that another core uses"),
    ("icache", "I$ miss", "waiting for instructions from L2"),
    ("l2", "L2", "waiting for loads and stores outside L1"),
    ("dma", "DMA wait", "no clock: waiting for data on their way to or from L1"),
    ("barrier", "barrier", "no clock: waiting for other cores"),
    ("idle", "idle", "no clock: nothing to do"),
)


def render(report: Mapping[str, Any]) -> str:
    """One HTML page that needs no other file; the same report always gives the same page.

    Args:
        report: what ``report.json`` holds, in format 2; what is in ``schema.OPTIONAL`` may be missing or empty.
    """
    examples = report.get("examples") or []
    every = {**dict.fromkeys((*OPTIONAL, "cluster")), **report}
    every["methods"] = every["methods"] or {"float": "float", "int8": "int8"}
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            report=every,
            decision=decide(report),
            categories=CLUSTER_CATEGORIES if every["cluster"] else CATEGORIES,
            cluster_memory=CLUSTER_MEMORY,
            examples=examples,
            extent=_extent(examples),
            peak=peak(report["timeline"]) if report["timeline"] else None,
        )
    )


def channels(values: Sequence[Any]) -> list[Sequence[float]]:
    """The traces of an example, which is one list of samples or one list per channel."""
    return list(values) if values and isinstance(values[0], Sequence) else [values]


def total(stalls: Mapping[str, int]) -> int:
    """Cycles of all categories."""
    return sum(stalls.values())


def breakable(name: str) -> Markup:
    """A layer's name that may wrap, where it must, after its dots and underscores."""
    pieces = Markup("<wbr>").join(re.split(r"(?<=[._/])", name))
    return Markup('<span class="breakable">{}</span>').format(pieces)


def _extent(examples: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Smallest and largest sample of all examples: pictures side by side share one scale."""
    samples = [value for example in examples for channel in channels(example["values"]) for value in channel]
    return min(samples, default=0.0), max(samples, default=0.0)


def environment() -> Environment:
    """The templates and their filters."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    numbers = (figures.count, figures.amount, figures.percent, figures.per, figures.rounded, figures.period)
    filters = (
        *numbers,
        figures.flat,
        figures.tolerance,
        channels,
        breakable,
        total,
        ram_bytes,
        by_subject,
        mean,
        unplaced,
    )
    environment.filters.update({function.__name__: function for function in filters})
    environment.globals.update(
        quantity=figures.quantity,
        MILLISECONDS=figures.MILLISECONDS,
        MILLIJOULES=figures.MILLIJOULES,
        MICROAMPERES=figures.MICROAMPERES,
        DAYS=figures.DAYS,
        accuracy_curve=accuracy_curve,
        bar=charts.bar,
        meter=charts.meter,
        stacked_bar=charts.stacked_bar,
        traces=charts.traces,
        memory_map=memory_map,
        response_plot=response_plot,
        scalp_map=scalp_map,
        subject_bars=subject_bars,
    )
    return environment
