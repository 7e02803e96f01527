"""The results as one table, on the screen and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.page.figures import rounded

DASH = "-"


def rows(found: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Headings and cells: a row per method; two columns per board that models were priced on."""
    reference = next(method for method in found["methods"] if method["name"] == found["reference"])
    boards = found["boards"]
    columns = ["", "accuracy, %", "minus SVM", "bits learned", "fit, ms", "SVM's time / its"]
    columns += [f"{board}, {unit}" for board in boards for unit in ("ms", "mJ")]
    return columns, [_row(method, reference, boards) for method in found["methods"]]


def _row(method: Mapping[str, Any], reference: Mapping[str, Any], boards: Sequence[str]) -> list[str]:
    cells = [method["name"], _spread(method["accuracy"]), _spread(method["difference"], "+"), f"{method['bits']:,}"]
    fit = method["fit"]
    cells += [DASH, DASH] if fit is None else [rounded(1000 * fit), f"{reference['fit'] / fit:.2f} x"]
    for board in boards:
        cells += _price(method["boards"].get(board))
    return cells


def _spread(value: Mapping[str, Any], sign: str = "") -> str:
    std = "" if value["std"] is None else f" ± {100 * value['std']:.2f}"
    return f"{100 * value['mean']:{sign}.2f}{std}"


def _price(price: Mapping[str, Any] | None) -> list[str]:
    if price is None:
        return [DASH, DASH]
    if price["problem"]:
        return ["does not run", DASH]
    return [rounded(price["cost"]["latency_ms"]), rounded(price["cost"]["energy_mj"])]
