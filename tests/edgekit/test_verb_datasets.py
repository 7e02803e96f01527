"""``edgekit datasets``: every data set with its default, every excerpt in words, and where the files are."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgekit.verbs.datasets import words
from quant.datasets import DATASETS
from quant.datasets.excerpt import EXCERPTS, Excerpt


def test_data_sets_and_excerpts_are_listed(edgekit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path))
    code, out, _ = edgekit("datasets", "--json")
    facts = json.loads(out)
    assert code == 0 and [fact["name"] for fact in facts["datasets"]] == list(DATASETS)
    defaults = {fact["name"]: (fact["excerpt"], fact["protocol"]) for fact in facts["datasets"]}
    assert defaults["eegmmidb"] == ("edge-38", "cross-subject") and defaults["bci-iv-2a"] == ("whole", "sessions")
    assert list(facts["excerpts"]) == list(EXCERPTS) and facts["from"] == f"EDGEKIT_DATA = {tmp_path}"
    code, out, _ = edgekit("datasets")
    assert code == 0 and "fixed split" in out and "38 electrodes, 1 s from the cue on, every 3rd sample" in out


def test_an_excerpt_in_words() -> None:
    assert words(Excerpt()) == "all of it"
    assert words(Excerpt(8, 2, 1.5)) == "8 electrodes, 1.5 s from the cue on, every 2nd sample"
    assert words(EXCERPTS["motor-22"]) == "22 electrodes, resampled to 250 Hz"
    assert words(EXCERPTS["imagery-22"]) == "22 electrodes, 3.5 s from 0.5 s after the cue on"
