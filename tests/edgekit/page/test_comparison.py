"""The comparison's picture and page."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from edgekit.energy import Duty
from edgekit.page.comparison import picture, render, ticks


def row(name: str, ms: float, mj: float, problem: str | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "run": name,
        "board": "b",
        "model": "m",
        "preset": "int8",
        "accuracy": 0.94,
        "problem": problem,
    }
    if problem is None:
        cost = {"latency_ms": ms, "latency_ms_low": 0.9 * ms, "latency_ms_high": 1.1 * ms}
        entry["cost"] = {**cost, "energy_mj": mj, "energy_mj_low": 0.8 * mj, "energy_mj_high": 1.2 * mj}
        entry["duty"] = {"in_time": ms < 100, "battery_days": 10.0}
        entry["memory"] = {"flash_bytes": 44_000, "ram_bytes": 8_000}
    return entry


def test_ticks() -> None:
    assert ticks(0.4, 30) == [0.5, 1, 2, 5, 10, 20]
    assert ticks(3, 4) == [3, 4]
    assert ticks(0.9, 1.6) == pytest.approx([1, 1.5])
    assert ticks(3.1, 3.9) == []


def test_slower_lies_to_the_right_and_dearer_higher() -> None:
    svg = ET.fromstring(str(picture([row("a", 1.0, 2.0), row("b", 10.0, 0.5)])))
    first, second = (element for element in svg if element.get("class") == "point")
    assert float(first.get("cx", 0)) < float(second.get("cx", 0))
    assert float(first.get("cy", 0)) < float(second.get("cy", 0))  # y grows downwards
    for band, point in zip((e for e in svg if e.get("class") == "band"), (first, second), strict=True):
        x, width = float(band.get("x", 0)), float(band.get("width", 0))
        assert x < float(point.get("cx", 0)) < x + width


def test_every_row_is_in_the_page() -> None:
    page = render(
        [row("fast", 1.0, 2.0), row("slow", 200.0, 9.0), row("<big>", 0, 0, "too many <bytes>")], Duty(0.25, 40)
    )
    for text in ("fast", "1.00", "too slow", "44,000", "&lt;big&gt;", "does not run: too many &lt;bytes&gt;", "250"):
        assert text in page
    assert "<big>" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_without_a_price_there_is_no_picture() -> None:
    assert picture([row("a", 0, 0, "no")]) == ""
    assert "<svg" not in render([row("a", 0, 0, "no")], Duty())


@pytest.mark.parametrize("count", [1, 7])
def test_one_and_many(count: int) -> None:
    svg = ET.fromstring(str(picture([row(f"r{i}", 1.0 + i, 2.0) for i in range(count)])))
    assert len([element for element in svg if element.get("class") == "point"]) == count


def test_a_cluster_has_no_flash_and_small_figures_keep_their_digits() -> None:
    board = row("ecg", 0.0312, 0.00187)
    board |= {"board": "gap9", "cluster": {}, "memory": {"l1_bytes": 30_000, "l2_bytes": 40_000, "l3_bytes": 1_234}}
    page = render([row("ecg", 14.1, 0.6), board], Duty())
    for text in (
        "0.0312",
        "0.00187",
        "70,000",
        "gap9: all cores",
        "1,234\N{NO-BREAK SPACE}bytes of ecg on gap9 more in L3",
    ):
        assert text in page
    assert "no flash" not in render([row("ecg", 14.1, 0.6)], Duty())
