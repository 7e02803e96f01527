"""The sections of a page that only networks on EEG have."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from edgekit.page.render import render
from edgekit.page.schema import missing
from tests.edgekit import cluster
from tests.edgekit.page.eeg_sample import CENTRES, DEPTH, eeg, eeg_report
from tests.edgekit.page.sample import sample
from tests.edgekit.page.test_render import Page, svgs


def text(report: dict[str, Any]) -> str:
    return Page(render(report)).text.replace("\N{NO-BREAK SPACE}", " ")


def pictures(html: str, kind: str) -> list[ET.Element]:
    return [root for root in map(ET.fromstring, svgs(html)) if root.get("class") == kind]


@pytest.mark.parametrize("order", ["faithful", "spatial-first"])
def test_every_filter_is_drawn_once(order: str) -> None:
    html = render(eeg_report(order))
    assert len(pictures(html, "subjects")) == 1
    curves = [len(plot.findall("polyline")) for plot in pictures(html, "response")]
    assert curves == [DEPTH if order == "spatial-first" else 1] * len(CENTRES)
    labels = [map_.get("aria-label").split(":")[0] for map_ in pictures(html, "scalp")]
    assert labels == [f"Spatial filter {number}" for number in range(1, DEPTH * len(CENTRES) + 1)]


def test_what_a_reader_looks_for() -> None:
    words = text(eeg_report())
    assert "The mean over 4 subjects, each counting the same, is 75.4 % in float and 74.6 % in int8." in words
    assert "The 8 temporal filters and 16 spatial filters" in words
    assert "Below each curve are the 2 spatial filters behind it" in words
    assert "12 45 53.3 % 51.1 %" in words
    assert "spatial-first" not in words
    assert "The network was quantized spatial-first" in text(eeg_report("spatial-first"))


def test_figures_name_their_order() -> None:
    words = text({**eeg_report("spatial-first"), "order": "spatial-first"})
    assert "0.77 MAC/cycle, spatial-first." in words


def test_other_networks_have_none_of_it() -> None:
    words = text(sample())
    assert "Accuracy by subject" not in words
    assert "What the filters let through" not in words


def test_without_names_of_electrodes_there_are_no_maps() -> None:
    report = eeg_report()
    report["eeg"]["channels"] = []
    html = render(report)
    assert pictures(html, "scalp") == []
    assert len(pictures(html, "response")) == len(CENTRES)
    assert "no maps of the spatial filters: the data set does not name its electrodes." in Page(html).text


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("EOG",), "EOG is no electrode of the 10-10 system."),
        (("EOG", "<b>"), "EOG, <b> are no electrodes of the 10-10 system."),
    ],
)
def test_electrodes_of_unknown_place_are_named(names: tuple[str, ...], words: str) -> None:
    report = eeg_report()
    report["eeg"]["channels"][: len(names)] = names
    html = render(report)
    assert pictures(html, "scalp") == []
    assert words in Page(html).text


def test_without_a_sampling_rate_there_are_no_bands() -> None:
    report = eeg_report()
    report["eeg"]["fs"] = None
    html = render(report)
    assert all(plot.findall("rect") == [] for plot in pictures(html, "response"))
    assert "The sampling rate is not known" in Page(html).text


def test_without_subjects_there_are_no_bars() -> None:
    report = eeg_report()
    report["eeg"]["subjects"] = []
    assert missing(report) == []
    assert pictures(render(report), "subjects") == []


def test_reports_of_clusters_have_the_same_sections() -> None:
    report = {**cluster.report(), "eeg": eeg()}
    assert missing(report) == []
    html = render(report)
    assert len(pictures(html, "scalp")) == DEPTH * len(CENTRES)
    assert len(pictures(html, "subjects")) == 1


def test_what_a_report_lacks_is_named() -> None:
    report = eeg_report()
    assert missing(report) == []
    del report["eeg"]["fs"], report["eeg"]["subjects"][1]["trials"], report["classes"]
    report["eeg"]["temporal"] = []
    assert sorted(missing(report)) == ["classes", "eeg.fs", "eeg.subjects[1].trials", "eeg.temporal"]


def test_the_page_stays_alone_and_small() -> None:
    html = render(eeg_report())
    Page(html)
    assert "url(" not in html and "://" not in html
    assert not re.search(r"<script|<link|<img", html)
    assert len(html) < 600_000
