"""Jobs that run in this process find the tiny data set."""

from __future__ import annotations

import pytest

from quant import datasets
from tests.edgekit.tiny_eeg import SOURCE


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(datasets.DATASETS, SOURCE.name, SOURCE)
