"""The page of a run on a cluster."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from edgekit.energy import Duty
from edgekit.page import comparison
from edgekit.page.decision import decide
from edgekit.page.render import CLUSTER_CATEGORIES, TEMPLATES, render
from edgekit.page.schema import CLUSTER_STALLS, missing
from tests.edgekit import cluster
from tests.edgekit.page.sample import sample
from tests.edgekit.page.test_render import Page, svgs, whole_numbers


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return cluster.report()


@pytest.fixture(scope="module")
def page(report: dict[str, Any]) -> Page:
    return Page(render(report))


def test_the_report_is_complete_json(report: dict[str, Any]) -> None:
    assert missing(json.loads(json.dumps(report))) == []
    assert [key for key, *_ in CLUSTER_CATEGORIES] == list(CLUSTER_STALLS)


@pytest.mark.parametrize("path", [("cluster", "awake"), ("memory", "l1_bytes"), ("power", "compute_mw")])
def test_what_lacks_is_named(report: dict[str, Any], path: tuple[str, str]) -> None:
    section, key = path
    broken = {**report, section: {k: v for k, v in report[section].items() if k != key}}
    assert missing(broken) == [f"{section}.{key}"]


def test_every_whole_number_of_layers_and_memories_is_there(report: dict[str, Any], page: Page) -> None:
    layers = [{k: v for k, v in layer.items() if k != "by_core"} for layer in report["layers"]]
    numbers = whole_numbers([layers, report["memory"], report["cost"]["stalls"], report["cost"]["cycles"]])
    assert [number for number in numbers if f"{number:,}" not in page.text] == []


@pytest.mark.parametrize(
    "words",
    [
        "small fits gap8 and keeps up with one inference every 1 s.",
        "4 \N{MULTIPLICATION SIGN} ri5cy at 100 MHz, core voltage 1.0 V, 4 of 8 cores compute.",
        "The firmware sets up 175 MHz: change the clock of its main file to run at this clock.",
        "cores awake 41 % of the time",
        "49,224 of 65,536 bytes (75.1 %)",
        "tiles and tensors 40,008 bytes, stacks and runtime 9,216 bytes",
        "Core 0 waited for L3 in 1,003 cycles. The controller worked alone in 812 cycles.",
        "The DMA moved 55,631 bytes in and 8,205 bytes out.",
        "barrier no clock: waiting for other cores",
        "core 3 76.6 % 3.7 % 2.6 % 2.2 %",
        "Ranges: \N{MINUS SIGN}5 to +35 % for cycles, \N{MINUS SIGN}28.8 to +68.8 % for energy",
        "all cores compute 48.0 mW waiting for L3 19.0 mW",
        "start of the cluster 1.80 ms and 34.3 µJ for each inference",
        "One arena of 12,296 bytes in L2",
        "b1.add add add_sdotp",
    ],
)
def test_what_a_reader_looks_for(page: Page, words: str) -> None:
    assert words in page.text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("words", ["flash", "Flash", "wait states", "Placement", "board/board.c"])
def test_nothing_is_said_of_what_is_not_there(page: Page, words: str) -> None:
    assert words not in page.text


def test_bars_show_all_cores(report: dict[str, Any]) -> None:
    bars = {ET.fromstring(svg).get("aria-label"): ET.fromstring(svg) for svg in svgs(render(report))}
    longest = max(sum(layer["stalls"].values()) for layer in report["layers"])
    for layer in report["layers"]:
        rects = bars[f"{layer['name']}: {layer['cycles']:,}\N{NO-BREAK SPACE}cycles"].findall("rect")
        width = sum(float((rect.get("width") or "").rstrip("%")) for rect in rects)
        assert width == pytest.approx(100 * sum(layer["stalls"].values()) / longest, abs=0.01)
    whole = bars["All core cycles by category"].findall("rect")
    assert sum(float((rect.get("width") or "").rstrip("%")) for rect in whole) == pytest.approx(100, abs=0.01)


def test_every_category_has_a_colour() -> None:
    style = (TEMPLATES / "style.css").read_text()
    assert all(f"\n.{key} {{ fill: var(--" in style for key, *_ in CLUSTER_CATEGORIES)


def test_without_a_picture_of_l2(report: dict[str, Any]) -> None:
    assert missing({**report, "timeline": None}) == []
    assert "Memory over time" not in Page(render({**report, "timeline": None})).text


def test_a_memory_that_is_too_small(report: dict[str, Any]) -> None:
    short = {**report, "memory": {**report["memory"], "l1_bytes": 65_537}}
    assert decide(short).headline.replace("\N{NO-BREAK SPACE}", " ") == "small does not fit gap8: L1 is 1 byte short."
    without = {**report, "memory": {**report["memory"], "l3_bytes": 1, "l3_available": 0}}
    assert "L3 is 1" in decide(without).headline


def test_clusters_and_microcontrollers_side_by_side(report: dict[str, Any]) -> None:
    other = sample()
    other["duty"]["in_time"] = True
    rows = [{**one, "run": one["model"], "accuracy": None, "problem": None} for one in (report, other)]
    text = Page(comparison.render(rows, Duty())).text
    assert f"{report['memory']['l1_bytes'] + report['memory']['l2_bytes']:,}" in text
    assert "44,744" in text
