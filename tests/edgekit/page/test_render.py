"""The page of a whole report: complete, well-formed, alone in the world."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from edgekit.page.render import render
from tests.edgekit.page.sample import priced_without_data, sample

VOID = {"meta", "br", "wbr"}


class Page(HTMLParser):
    """Checks nesting while parsing; keeps tags, attributes and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "title"):
            if self.tags[-1] == "wbr":
                data = self.words.pop() + data
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def html() -> str:
    return render(sample())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def svgs(html: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>|<svg[^>]*/>", html, re.DOTALL)


def whole_numbers(value: Any) -> Iterator[int]:
    """Every whole number of a report, wherever it is."""
    if isinstance(value, dict):
        for entry in value.values():
            yield from whole_numbers(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from whole_numbers(entry)
    elif isinstance(value, int):
        yield value


def test_every_whole_number_is_there(page: Page) -> None:
    report = sample()
    report.pop("format")
    for example in report["examples"]:
        del example["values"]
    shown = set(re.findall(r"[\d,]+", page.text))
    clock, cell = report["cost"].pop("clock_hz"), report["duty"]["battery_mah"]
    assert report["cost"].pop("firmware_clock_hz") == clock
    assert [n for n in whole_numbers(report) if f"{n:,}" not in shown] == []
    assert {f"{clock / 1e6:g}", f"{cell:g}"} <= shown


def test_another_clock_than_the_firmware_s_is_said(page: Page) -> None:
    report = sample()
    report["cost"]["clock_hz"] = 16_000_000
    remark = "The firmware sets up 80 MHz: change board/board.c to run at this clock."
    assert remark in Page(render(report)).text
    assert "board/board.c" not in page.text


@pytest.mark.parametrize(
    "words",
    [
        "ecg-tcn fits stm32l475 and keeps up with one inference every 1 s.",
        "15.9 ms 15.1 to 17.2 ms 1,271,132 cycles",
        "675 µJ 574 to 810 µJ 12.9 mA while it runs",
        "19.1 days 16.3 to 22.4 days one inference every 1 s on a 100 mAh cell, MCU alone",
        "94.29 % float 94.36 % balanced 55.04 %",
        "44,744 of 1,048,576 bytes (4.3 %)",
        "1,003,832 bytes free",
        "arena 7,408 bytes, worst-case stack 160 bytes, code and constants 10,204 bytes",
        "0.77 MAC/cycle",
        "total 979,440 939,092 1,271,132 0.77 955,334 66,010 93,434 123,620 32,734 675.4",
        "between layers 319",
        "fetch stall waiting for instructions from memory 123,620 9.7 %",
        "b3.conv1 conv conv_smlad fewest predicted cycles of 2 that fit 100.0 % 186,340 171,600 220,003 17.3 % 0.85",
        "int8 94.29 % 55.04 %",
        "2 PVC 10 44 29 3 0 86 33.7 %",
        "emulated stm32l475 ✓ same bytes 100 12 1,568,500",
        "PVC no. 4,251 int8 ✗ wrong: R-on-T PVC float ✓ PVC",
        "b1.conv1 38.1 38.0 71.2",
        "conv0 42.3 42.3 identical",
        "161 µA/MHz",
        "1.12 µA, Stop 2 with RTC",
        "running 1.59 % of the time, 218 µA on average",
        "cycles ± 8 % energy ± 20 %",
        "the flash cache's replacement is not published",
        "measured by third parties under neural-network load at 3.3 V",
        "constants in RAM b1.conv2, b2.conv1, b2.conv2",
        "recipe: learning rate 0.001",
        "ziglang 0.17.1",
        "5a3c" * 16,
    ],
)
def test_what_a_reader_looks_for(page: Page, words: str) -> None:
    assert words in page.text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_same_report_gives_the_same_page(html: str) -> None:
    assert render(sample()) == html


def test_nothing_comes_from_elsewhere(html: str, page: Page) -> None:
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(page.tags)
    targets = [value for name, value in page.attributes if name in ("href", "src", "xlink:href", "action", "poster")]
    assert all(target.startswith("#") for target in targets)
    assert "url(" not in html
    assert "@import" not in html
    assert "://" not in html
    assert "default-src 'none'" in html


def test_headings_are_in_order_and_ids_lead_somewhere(page: Page) -> None:
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value for name, value in page.attributes if name == "aria-labelledby"}
    wanted |= {value[1:] for name, value in page.attributes if name == "href"}
    assert wanted <= set(ids)


def test_tables_and_pictures_say_what_they_are(html: str, page: Page) -> None:
    assert page.tags.count("caption") == page.tags.count("table")
    assert all("scope=" in cell for cell in re.findall(r"<th\b[^>]*>", html))
    for svg in svgs(html):
        root = ET.fromstring(svg)
        assert (root.get("role"), bool(root.get("aria-label"))) == ("img", True)
    assert len(svgs(html)) == page.tags.count("svg") == 2 + 1 + 12 + 12 + 1 + 8 + 34


def test_bars_of_a_layer_add_up(html: str) -> None:
    """Stalls fill as much of the bar as the layer's cycles are of the slowest layer's."""
    report = sample()
    slowest = max(layer["cycles"] for layer in report["layers"])
    bars = {ET.fromstring(svg).get("aria-label"): ET.fromstring(svg) for svg in svgs(html)}
    for layer in report["layers"]:
        rects = bars[f"{layer['name']}: {layer['cycles']:,}\N{NO-BREAK SPACE}cycles"].findall("rect")
        filled = sum(float(rect.get("width").rstrip("%")) for rect in rects)
        assert filled == pytest.approx(100 * layer["cycles"] / slowest, abs=0.01)


def test_text_of_the_user_is_escaped() -> None:
    nasty = "<script>alert('x')</script>&\""
    report = sample()
    report["classes"][2] = report["model"] = report["placement"]["reason"] = nasty
    report["layers"][0] |= {"name": nasty, "kernel": nasty, "why": nasty}
    report["timeline"]["steps"][1] = report["timeline"]["buffers"][0]["name"] = nasty
    report["sqnr"][0]["name"] = report["power"]["source"] = report["bands"]["why"] = nasty
    html = render(report)
    assert "<script" not in html
    page = Page(html)
    assert "script" not in page.tags
    assert nasty in page.text
    for svg in svgs(html):
        ET.fromstring(svg)


@pytest.mark.parametrize("empty", [False, True])
def test_a_model_priced_without_data(empty: bool) -> None:
    report = priced_without_data()
    if empty:
        report |= {"accuracy": None, "confusion": {}, "examples": [], "sqnr": [], "agreement": [], "training": None}
    page = Page(render(report))
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "its accuracy is not known" in text
    assert not any(heading in text for heading in ("Accuracy, int8", "Examples", "Quantization", "Training"))
    assert "1,271,132 cycles" in text


def test_what_the_data_are_is_said() -> None:
    report = {**sample(), "data": {"split": "fold 2 of 5", "note": "<made up>"}}
    assert "test inputs of ecg5000, fold 2 of 5 (<made up>)." in Page(render(report)).text
    report["data"] = {"split": "", "note": ""}
    assert "test inputs of ecg5000." in Page(render(report)).text


def test_what_is_computed_and_in_which_order() -> None:
    report = sample()
    report["order"], report["layers"][0]["computed"] = "spatial-first", 1 / 8
    text = Page(render(report)).text
    for words in ("MACs in the network , in published order", "executed , spatial-first", "12.5 %"):
        assert words.replace(" ,", ",") in text.replace(" ,", ",")
    assert "published order" not in Page(render(sample())).text


def test_layers_in_tiles_and_what_lies_between_them() -> None:
    report = sample()
    report["layers"][0]["tiles"], report["timeline"]["buffers"][0]["kind"] = 12, "tile"
    html = render(report)
    assert "in 12 tiles" in Page(html).text and "never stored whole" in Page(html).text
    assert 'class="tile"' in html
    assert "tiles" not in Page(render(sample())).text


def test_examples_with_several_channels() -> None:
    report = sample()
    report["examples"] = [{"index": 1, "values": [[0.0, 1.0], [2.0, 0.0]], "true": 0, "float": 0, "int8": 1}]
    (picture,) = [svg for svg in svgs(render(report)) if 'class="trace"' in svg]
    assert len(ET.fromstring(picture).findall("polyline")) == 2


def test_a_machine_that_differs_is_named_with_its_first_difference() -> None:
    report = sample()
    first = {"layer": "b2.conv1", "sample": 59, "index": [3, 7], "expected": 13, "found": 12}
    report["agreement"][1] |= {"different": 1, "first": first}
    text = Page(render(report)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "✗ 1 value different , first in b2.conv1, input 59, element 3, 7: 12, not 13" in text
    assert "but host C computed other bytes." in text


def test_a_memory_that_is_too_small_says_by_how_much() -> None:
    report = sample()
    report["memory"]["ram_bytes"] = 140_000
    html = render(report)
    assert "8,928\N{NO-BREAK SPACE}bytes too many" in html
    assert 'class="beyond"' in html
