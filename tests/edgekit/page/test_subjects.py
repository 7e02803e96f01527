"""Bars by subject, against positions worked out by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from edgekit.page.subjects import HEIGHT, LEFT, NARROW, TOP, WIDE, by_subject, mean, subject_bars

SUBJECTS = [
    {"subject": 12, "trials": 20, "float": 0.5, "int8": 0.45},
    {"subject": 2, "trials": 40, "float": 1.0, "int8": 0.95},
]


def picture(subjects: list[dict[str, float]], classes: int = 2) -> ET.Element:
    return ET.fromstring(subject_bars(subjects, classes))


def kinds(svg: ET.Element, tag: str, kind: str) -> list[ET.Element]:
    return [element for element in svg.findall(tag) if element.get("class") == kind]


def test_sorted_by_number_and_averaged_by_subject() -> None:
    assert [subject["subject"] for subject in by_subject(SUBJECTS)] == [2, 12]
    assert mean(SUBJECTS, "float") == 0.75
    assert mean(SUBJECTS, "int8") == pytest.approx(0.7)


def test_bars_are_as_high_as_the_accuracy_and_side_by_side() -> None:
    svg = picture(SUBJECTS)
    first, second = kinds(svg, "rect", "float")
    other = kinds(svg, "rect", "int8")[0]
    assert (float(first.get("y")), float(first.get("height"))) == (TOP, HEIGHT)
    assert (float(second.get("y")), float(second.get("height"))) == (TOP + HEIGHT / 2, HEIGHT / 2)
    assert float(first.get("x")) + float(first.get("width")) == pytest.approx(float(other.get("x")))
    assert float(other.get("x")) == LEFT + WIDE / 2
    expected = "subject 12, float: 50.0\N{NO-BREAK SPACE}% of 20 trials"
    assert second.find("title").text == expected


def test_lines_at_mean_and_chance() -> None:
    svg = picture(SUBJECTS, classes=4)
    (line,), (chance,) = kinds(svg, "line", "mean"), kinds(svg, "line", "chance")
    assert float(line.get("y1")) == float(line.get("y2")) == pytest.approx(TOP + 0.3 * HEIGHT)
    assert float(chance.get("y1")) == TOP + 0.75 * HEIGHT
    words = [text.text.replace("\N{NO-BREAK SPACE}", " ") for text in svg.findall("text")]
    assert {"mean int8 70.0 %", "chance 25.0 %"} <= set(words)


@pytest.mark.parametrize("accuracy", [0.49, 0.5, 0.51])
def test_names_of_close_lines_keep_apart(accuracy: float) -> None:
    svg = picture([{"subject": 1, "trials": 10, "float": 0.5, "int8": accuracy}])
    names = [float(kinds(svg, "text", kind)[0].get("y")) for kind in ("mean", "chance")]
    assert abs(names[0] - names[1]) >= 14
    assert (names[0] <= names[1]) == (accuracy >= 0.5)


def test_many_subjects_stand_closer() -> None:
    many = [{"subject": number, "trials": 10, "float": 0.5, "int8": 0.5} for number in range(1, 55)]
    svg = picture(many)
    first, second, *_ = kinds(svg, "rect", "float")
    assert float(second.get("x")) - float(first.get("x")) == pytest.approx(NARROW)
    assert svg.get("aria-label").startswith("Accuracy of 54 subjects; mean: float 50.0")
