"""What many trainings say together: accuracy by split and seed, spread, and differences in pairs.

A method is one way to label the test trials: the float network, an integer network, or the floor. All methods of a run
see the same trials, so their difference is taken run by run before anything is averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT = "float"
FLOOR = "CSP + LDA"


@dataclass(frozen=True, eq=False)
class Run:
    """One training and the trials that test it.

    Attributes:
        group: what the table has a row for: the fold, or the subject.
        seed: of the training; None where nothing is drawn.
        labels, subjects: int64 (N,), of the test trials; who they are from.
        predictions: int64 (N,) for every method.
    """

    group: str
    split: str
    seed: int | None
    labels: NDArray[np.int64]
    subjects: NDArray[np.int64]
    predictions: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, group: str, seed: int | None, result: Mapping[str, Any], *, held: bool = False) -> Run:
        """From what a job returned; ``held``: on the trials held out of the training part, not on the test part."""
        part = slice(result["held"]) if held else slice(result["held"], None)
        labels, subjects = (np.array(result[name][part]) for name in ("labels", "subjects"))
        predictions = {method: np.array(found[part]) for method, found in result["predictions"].items()}
        return cls(group, result["split"], seed, labels, subjects, predictions)

    def accuracy(self, method: str) -> float:
        """Share of the trials that ``method`` labels correctly, 0..1."""
        return float((self.predictions[method] == self.labels).mean())

    def agreement(self, method: str, other: str) -> float:
        """Share of the trials to which both give the same label, 0..1."""
        return float((self.predictions[method] == self.predictions[other]).mean())


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Everything as JSON; accuracies are shares of one, every spread is a standard deviation of a sample (n - 1).

    ``runs``      one entry per split and seed
    ``groups``    per fold or subject: mean and spread over its runs
    ``overall``   per method: mean and spread over all runs, and ``seed_std``, the spread of the seeds' means
    ``paired``    per method with a float network beside it: the difference to it, run by run, and how often both agree
    ``subjects``  per subject: accuracy over all its test trials and all seeds
    """
    methods = list(dict.fromkeys(method for run in runs for method in run.predictions))
    return {
        "methods": methods,
        "runs": [_run(run) for run in runs],
        "groups": [_group(name, part) for name, part in _by(runs, "group").items()],
        "overall": {method: _overall(runs, method) for method in methods},
        "paired": {method: paired(runs, method) for method in methods if method not in (FLOAT, FLOOR)},
        "subjects": subjects(runs),
    }


def paired(runs: Sequence[Run], method: str, other: str = FLOAT) -> dict[str, Any]:
    """``method`` minus ``other`` in accuracy, over the runs that have both."""
    both = [run for run in runs if method in run.predictions and other in run.predictions]
    differences = [run.accuracy(method) - run.accuracy(other) for run in both]
    return {
        **spread(differences),
        "lowest": min(differences),
        "highest": max(differences),
        "agreement": float(np.mean([run.agreement(method, other) for run in both])),
    }


def subjects(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Accuracy of every subject that is in a test part."""
    hits: dict[int, dict[str, list[NDArray[np.bool_]]]] = {}
    for run in runs:
        for subject in np.unique(run.subjects).tolist():
            own = run.subjects == subject
            for method, labels in run.predictions.items():
                hits.setdefault(subject, {}).setdefault(method, []).append((labels == run.labels)[own])
    return [
        {"subject": subject, "accuracy": {method: float(np.concatenate(found).mean()) for method, found in of.items()}}
        for subject, of in sorted(hits.items())
    ]


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean, standard deviation (None for a single value) and count."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "std": std, "count": len(values)}


def _run(run: Run) -> dict[str, Any]:
    accuracy = {method: run.accuracy(method) for method in run.predictions}
    return {"split": run.split, "group": run.group, "seed": run.seed, "trials": len(run.labels), "accuracy": accuracy}


def _group(name: str, runs: Sequence[Run]) -> dict[str, Any]:
    trials = sum(len(part[0].labels) for part in _by(runs, "split").values())
    methods = dict.fromkeys(method for run in runs for method in run.predictions)
    return {
        "name": name,
        "trials": trials,
        "accuracy": {method: spread(_accuracies(runs, method)) for method in methods},
    }


def _overall(runs: Sequence[Run], method: str) -> dict[str, Any]:
    able = [run for run in runs if method in run.predictions]
    seeds = [float(np.mean(_accuracies(part, method))) for part in _by(able, "seed").values()]
    return {**spread(_accuracies(able, method)), "seed_std": spread(seeds)["std"]}


def _accuracies(runs: Sequence[Run], method: str) -> list[float]:
    return [run.accuracy(method) for run in runs if method in run.predictions]


def _by(runs: Sequence[Run], attribute: str) -> dict[Any, list[Run]]:
    parts: dict[Any, list[Run]] = {}
    for run in runs:
        parts.setdefault(getattr(run, attribute), []).append(run)
    return parts
