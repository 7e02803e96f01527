"""What all jobs say together: per classifier, accuracy over subjects, difference to the SVM, bits, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.evaluation.hd.methods import Method
from edgekit.evaluation.statistics import Run, spread, subjects
from edgekit.evaluation.study import Part

REFERENCE = "SVM, float64"
Result = Mapping[str, Any]


def collected(jobs: Sequence[tuple[Part, Method, Result]]) -> dict[str, Any]:
    """Everything as JSON. Accuracies are shares of one; every spread is over subjects, a subject's accuracy being over
    all its test trials and all seeds.

    ``methods``   per classifier: ``line`` of the plot, ``dimension``, ``bits``, ``accuracy``, ``difference`` to the SVM
                  in float64 subject by subject, ``fit``: mean seconds of a split, None where that was not measured
    ``subjects``  per subject: accuracy of every classifier
    """
    people = subjects([Run.of(part.group, _seed(method), result) for part, method, result in jobs])
    facts: dict[str, dict[str, Any]] = {}
    fits: dict[str, list[float]] = {}
    for _, _, result in jobs:
        for name, own in result["facts"].items():
            facts.setdefault(name, own)
            fits.setdefault(name, []).extend([own["fit"]] if own["fit"] is not None else [])
    return {
        "reference": REFERENCE,
        "methods": [{"name": name, **own, **_over(people, name, fits[name])} for name, own in facts.items()],
        "subjects": people,
    }


def _over(people: Sequence[Mapping[str, Any]], name: str, fits: Sequence[float]) -> dict[str, Any]:
    scores = [person["accuracy"] for person in people]
    return {
        "accuracy": spread([score[name] for score in scores]),
        "difference": spread([score[name] - score[REFERENCE] for score in scores]),
        "fit": float(np.mean(fits)) if fits else None,
    }


def _seed(method: Method) -> int | None:
    return None if method.settings is None else method.settings.seed
