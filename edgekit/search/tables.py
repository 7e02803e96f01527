"""What a search found, as tables on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.evaluation.statistics import FLOAT
from edgekit.page.figures import rounded
from edgekit.screen import table
from edgekit.search.results import METRICS


def tables(found: Mapping[str, Any], boards: Sequence[str]) -> list[Any]:
    """One row per configuration, one table of prices per board, one of what suits whom."""
    method, rows = found["method"], found["configurations"]
    columns = ("no.", "configuration", "parameters", "MACs", "held out, %", "test float, %", "test, %")
    body = [
        (
            str(number),
            row["label"],
            row["parameters"],
            row["macs"],
            _percent(row["validation"][method]["mean"]),
            _percent(row["test"][FLOAT]["mean"]),
            _percent(row["test"][method]["mean"]),
        )
        for number, row in enumerate(rows, 1)
    ]
    return [
        table(columns, body, f"configurations, {method}", numbers="rlrrrrr"),
        *(part for board in boards for part in ("", _prices(rows, method, board))),
        "",
        _choices(found),
    ]


def _prices(rows: Sequence[Mapping[str, Any]], method: str, board: str) -> Any:
    body = []
    for number, row in enumerate(rows, 1):
        price, held = row["boards"][board], _percent(row["validation"][method]["mean"])
        if price["problem"]:
            body.append((str(number), row["label"], held, "does not run", "", price["problem"]))
        else:
            cost = (rounded(price["cost"][key]) for key in METRICS.values())
            body.append((str(number), row["label"], held, *cost, ", ".join(price["front"])))
    columns = ("no.", "configuration", "held out, %", "ms", "mJ", "unbeaten in")
    return table(columns, body, f"on {board}", numbers="rlrrrl")


def _choices(found: Mapping[str, Any]) -> Any:
    fixed, variable = found["fixed"], found["variable"]
    body = [(choice["group"], choice["label"], *_accuracies(choice)) for choice in found["groups"]]
    body += [("each its own, mean", "", *_accuracies(variable)), ("one for all", fixed["label"], *_accuracies(fixed))]
    columns = ("", "configuration", "held out, %", "test float, %", "test, %")
    return table(columns, body, "what suits whom", numbers="llrrr")


def _accuracies(choice: Mapping[str, Any]) -> list[str]:
    return [_percent(choice[name]) for name in ("validation", "test_float", "test")]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
