from __future__ import annotations

import xml.etree.ElementTree as ET

from edgekit.page.curve import accuracy_curve

POINTS = [{"dimension": size, "accuracy": share} for size, share in ((100, 0.25), (1000, 0.5), (10000, 1.0))]


def test_every_point_is_there_and_higher_is_better() -> None:
    svg = ET.fromstring(accuracy_curve(POINTS, 0.75, "a <reference>"))
    circles = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in svg.iter("circle")]
    assert circles == sorted(circles) and [y for _, y in circles] == sorted((y for _, y in circles), reverse=True)
    words = [title.text for title in svg.iter("title")]
    assert words == ["a <reference>: 75.00 %", "100 bits: 25.00 %", "1,000 bits: 50.00 %", "10,000 bits: 100.00 %"]
    assert "a <reference> 75.0 %" in svg.attrib["aria-label"]


def test_one_point_is_a_curve_too() -> None:
    svg = ET.fromstring(accuracy_curve(POINTS[:1], 0.5, "reference"))
    assert len(list(svg.iter("circle"))) == 1
