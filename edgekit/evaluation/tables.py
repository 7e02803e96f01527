"""A summary as a table: on the screen and as Markdown for a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.evaluation.statistics import FLOAT

Summary = Mapping[str, Any]
DASH = "-"


def rows(summary: Summary) -> tuple[list[str], list[list[str]]]:
    """Headings and cells: one row per fold or subject, then all runs, seeds and pairs."""
    methods = summary["methods"]
    columns = ["", "trials", *(f"{method}, %" for method in methods)]
    body = [
        [group["name"], str(group["trials"]), *(_spread(group["accuracy"].get(method)) for method in methods)]
        for group in summary["groups"]
    ]
    overall = summary["overall"]
    trials = str(sum(group["trials"] for group in summary["groups"]))
    body.append(["all runs", trials, *(_spread(overall[method]) for method in methods)])
    if any(overall[method]["seed_std"] is not None for method in methods):
        body.append(["spread of the seeds' means", "", *(_points(overall[method]["seed_std"]) for method in methods)])
    if FLOAT in methods:
        paired = summary["paired"]
        body.append([f"minus {FLOAT}, in pairs", "", *(_difference(paired.get(method)) for method in methods)])
        body.append([f"same label as {FLOAT}, %", "", *(_agreement(paired.get(method)) for method in methods)])
    return columns, body


def markdown(title: str, command: str, notes: Sequence[str], summary: Summary) -> str:
    """A section of a document: what was done, the command, the table."""
    return section(title, command, notes, *rows(summary))


def section(title: str, command: str, notes: Sequence[str], columns: list[str], body: list[list[str]]) -> str:
    """The same of any table."""
    widths = [max(len(row[index]) for row in [columns, *body]) for index in range(len(columns))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [columns, rule, *body]
    table = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([f"### {title}", "", *notes, "", "```", command, "```", "", *table, ""])


def _spread(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return DASH
    return f"{100 * value['mean']:.2f}" + ("" if value["std"] is None else f" ± {100 * value['std']:.2f}")


def _points(value: float | None) -> str:
    return DASH if value is None else f"± {100 * value:.2f}"


def _difference(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return DASH
    return f"{100 * value['mean']:+.2f}" + ("" if value["std"] is None else f" ± {100 * value['std']:.2f}")


def _agreement(value: Mapping[str, Any] | None) -> str:
    return DASH if value is None else f"{100 * value['agreement']:.2f}"
