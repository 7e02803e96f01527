"""The job of the floor: CSP + LDA on a study's trials, electrodes and window, at the recording's own rate.

The band-pass runs over each trial as it was cut, before the window is taken, so that the filter settles outside of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from edgekit.evaluation.statistics import FLOOR
from edgekit.evaluation.study import chosen
from quant import datasets
from quant.csp_lda import BAND, FILTERS, ORDER, CspLda, band_passed
from quant.datasets.choice import Choice
from quant.datasets.excerpt import excerpt
from quant.datasets.recordings import Recordings

NOTE = (
    f"CSP + LDA: the same trials, electrodes and window at the recording's own rate; {BAND[0]:g} to {BAND[1]:g} Hz "
    f"(Butterworth, order {ORDER}, forwards and backwards over the whole trial), {FILTERS} spatial filters, log power."
)


def classify(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as :func:`study.floor_job` makes them; returns what a training returns."""
    _, split = chosen(settings)
    trials = prepared(settings["data"], replace(Choice(**settings["choice"]), fold=None))
    classifier = CspLda.fit(trials.x[split.train], trials.y[split.train], len(trials.classes))
    return {
        "split": split.name,
        "held": 0,
        "labels": trials.y[split.test].tolist(),
        "subjects": trials.subject[split.test].tolist(),
        "predictions": {FLOOR: classifier.predict(trials.x[split.test]).tolist()},
    }


@lru_cache(maxsize=1)
def prepared(data: str, choice: Choice) -> Recordings:
    """Band-passed, then cut; kept for the next job of this process."""
    source = datasets.source(data)
    assert source.recordings is not None and isinstance(choice.excerpt, str)
    whole = source.recordings(datasets.silent, None if choice.subject is None else (choice.subject,))
    filtered = replace(whole, x=band_passed(whole.x, whole.fs))
    return replace(excerpt(choice.excerpt), divisor=1, rate_hz=None).apply(filtered)
