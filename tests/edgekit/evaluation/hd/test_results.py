"""From what jobs returned to the table and the picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from edgekit.evaluation.hd import curve, tables
from edgekit.evaluation.hd.methods import Method
from edgekit.evaluation.hd.results import REFERENCE, collected
from edgekit.evaluation.study import Part
from quant.datasets.choice import Choice
from quant.hd.settings import Settings

SVM, GRAY = Method(), Method("gray", Settings(), (100, 1000))
SIZES = {"gray, 100 bits": 100, "gray, 1000 bits": 1000}


def result(subject: int, hits: dict[str, int], fit: float) -> Any:
    return {
        "split": "run 4",
        "held": 0,
        "labels": [0] * 4,
        "subjects": [subject] * 4,
        "predictions": {name: [0] * count + [1] * (4 - count) for name, count in hits.items()},
        "facts": {name: facts(name, fit) for name in hits},
        "models": {},
    }


def facts(name: str, fit: float) -> dict[str, Any]:
    size = SIZES.get(name)
    if size is None:
        return {"line": name, "dimension": None, "bits": 6400, "fit": fit}
    return {"line": "gray", "dimension": size, "bits": 2 * size, "fit": fit if size == 1000 else None}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    jobs = []
    for subject, svm, small, large in ((1, 3, 2, 3), (2, 4, 2, 4)):
        part = Part("made-up", Choice(subject=subject, fold=1), f"subject {subject}", "")
        jobs.append((part, SVM, result(subject, {REFERENCE: svm}, 0.4)))
        jobs.append((part, GRAY, result(subject, dict(zip(SIZES, (small, large), strict=True)), 0.1)))
    return collected(jobs)


def test_accuracy_is_over_subjects_and_differences_are_paired(found: dict[str, Any]) -> None:
    svm, small, large = found["methods"]
    assert svm["accuracy"]["mean"] == 0.875 and svm["accuracy"]["count"] == 2
    assert small["difference"]["mean"] == -0.375 and small["difference"]["std"] == pytest.approx(0.1767767)
    assert large["difference"] == {"mean": 0.0, "std": 0.0, "count": 2}
    assert [person["subject"] for person in found["subjects"]] == [1, 2]


def test_the_table(found: dict[str, Any]) -> None:
    prices = {"here": {"problem": None, "cost": {"latency_ms": 1.5, "energy_mj": 0.25}}, "there": {"problem": "no"}}
    methods = [{**method, "boards": {} if method["name"] == REFERENCE else prices} for method in found["methods"]]
    columns, rows = tables.rows({**found, "methods": methods, "boards": ["here", "there"]})
    assert len({len(row) for row in [columns, *rows]}) == 1
    assert rows[0][-4:] == ["-"] * 4
    assert rows[1][0] == "gray, 100 bits" and rows[1][1:3] == ["50.00 ± 0.00", "-37.50 ± 17.68"]
    assert rows[1][3:6] == ["200", "-", "-"] and rows[2][3:6] == ["2,000", "100", "4.00 x"]
    assert rows[2][6:] == ["1.50", "0.250", "does not run", "-"]


def test_the_picture_has_a_line_per_embedding(found: dict[str, Any]) -> None:
    assert curve.lines(found) == {"gray": [(100, 0.5), (1000, 0.875)]}
    svg = ET.fromstring(curve.picture(found))
    space = "{http://www.w3.org/2000/svg}"
    (line,) = svg.findall(f"{space}polyline")
    assert len(line.attrib["points"].split()) == 2
    assert {"gray", REFERENCE, "100", "1000"} <= {words.text for words in svg.findall(f"{space}text")}


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (0.58, 0.64), (0.1, 1.0)])
def test_the_axis_encloses_all_values(low: float, high: float) -> None:
    found = curve.levels(low, high)
    assert found[0] <= low < high + 1e-9 < found[-1] + 2e-9 and 2 <= len(found) <= 12


def test_labels_of_the_axis_do_not_touch() -> None:
    assert curve.labelled([1012, 1000, 2024, 2000, 10879]) == [1000, 2000, 10879]
    assert curve.labelled([2**n for n in range(4, 14)]) == [16, 8192]
