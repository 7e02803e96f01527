"""Fronts and choices on figures that were made for it, and the page and tables that show them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from edgekit.evaluation.statistics import FLOAT, Run
from edgekit.page.search import levels, picture, render
from edgekit.search.results import Configuration, best, front, report
from edgekit.search.tables import tables

METHOD = "int8 faithful"


def runs(*hits: int) -> list[Run]:
    """Ten trials for each of the subjects 1, 2, ..., of which so many are labelled correctly; float gets one more."""
    labels = np.ones(10, np.int64)
    return [
        Run(
            f"subject {n}",
            "s",
            0,
            labels,
            np.full(10, n),
            {METHOD: (np.arange(10) < right).astype(int), FLOAT: (np.arange(10) < right + 1).astype(int)},
        )
        for n, right in enumerate(hits, 1)
    ]


def price(latency: float, energy: float) -> dict[str, object]:
    return {"problem": None, "cost": {"latency_ms": latency, "energy_mj": energy}}


NONE = {"problem": "it needs 9 bytes more"}
FOUND = [
    Configuration("small", {"macs": 10, "parameters": 1}, runs(6, 8), runs(5, 5), {"a": price(1, 3), "b": NONE}),
    Configuration("<large>", {"macs": 30, "parameters": 3}, runs(9, 6), runs(8, 6), {"a": price(3, 2), "b": NONE}),
    Configuration("beaten", {"macs": 40, "parameters": 4}, runs(6, 8), runs(9, 9), {"a": price(4, 4), "b": NONE}),
]


def test_a_front_holds_what_nothing_beats_in_both() -> None:
    assert front([1, 2, 3, 4], [0.5, 0.4, 0.9, 0.9]) == [True, False, True, False]
    assert front([1, 1], [0.5, 0.5]) == [True, True]
    assert front([1, 1], [0.5, 0.6]) == [False, True]
    assert front([], []) == []


def test_held_out_trials_choose_and_ties_go_to_the_smaller_network() -> None:
    assert best(FOUND, METHOD).label == "<large>"
    assert [best(FOUND, METHOD, name).label for name in ("subject 1", "subject 2")] == ["<large>", "small"]


def test_the_report_keeps_choice_and_test_apart() -> None:
    found = report(FOUND, METHOD, ["a", "b"])
    fixed = {"group": None, "label": "<large>", "validation": 0.75, "test": 0.7, "test_float": 0.8}
    assert found["fixed"] == pytest.approx(fixed)
    assert found["variable"] == pytest.approx({"validation": 0.85, "test": 0.65, "test_float": 0.75})
    fronts = [row["boards"]["a"]["front"] for row in found["configurations"]]
    assert fronts == [["latency"], ["latency", "energy"], []]
    assert found["configurations"][0]["boards"]["b"] == {**NONE, "front": []}
    assert found["configurations"][0]["test"][METHOD]["mean"] == 0.5


def test_the_picture_has_every_point_and_the_front() -> None:
    found = report(FOUND, METHOD, ["a", "b"])
    drawn = ET.fromstring(picture(found["configurations"], METHOD, "a", "latency"))
    circles = drawn.findall("circle")
    assert [circle.get("class") for circle in circles] == ["point", "point", "beaten"]
    assert circles[1].findtext("title") == "<large>: 75.0\N{NO-BREAK SPACE}%, 3.00 ms"
    x, y = ([float(circle.get(key)) for circle in circles] for key in ("cx", "cy"))
    assert x == sorted(x) and y[1] < y[0] == y[2]
    line = drawn.find("polyline").get("points")
    assert line == f"{x[0]},{y[0]} {x[1]},{y[1]}"
    assert [label.text for label in drawn.findall("text") if label.get("class") == "label"] == ["1", "2", "3"]
    assert picture(found["configurations"], METHOD, "b", "energy") == ""


@pytest.mark.parametrize("low, high", [(0.7, 0.7), (0.701, 0.704), (0.25, 0.98), (0.0, 1.0), (1.0, 1.0)])
def test_levels_enclose_what_is_drawn(low: float, high: float) -> None:
    found = levels(low, high)
    assert found[0] <= low and found[-1] >= high - 1e-12 and 2 <= len(found) <= 7


def test_page_and_tables_show_everything_and_escape_names() -> None:
    found = report(FOUND, METHOD, ["a", "b"])
    page = render(found, "EEG-TCNet on <paper>", "edgekit sweep x", ["A note."])
    assert "&lt;large&gt;" in page and "<large>" not in page and "EEG-TCNet on &lt;paper&gt;" in page
    assert page.count("<svg") == 2 and "No configuration runs on this board." in page
    assert "does not run: it needs 9 bytes more" in page and "edgekit sweep x" in page and "A note." in page
    assert not re.search(r"(src|href)=", page)
    assert len(tables(found, ["a", "b"])) == 7


def test_without_boards_there_are_accuracies_alone() -> None:
    bare = [Configuration(c.label, c.facts, c.held, c.tested) for c in FOUND]
    found = report(bare, METHOD, [])
    assert found["configurations"][0]["boards"] == {} and "<svg" not in render(found, "t", "c", [])
