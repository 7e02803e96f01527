"""A study: one way to train one network, on every split of a protocol and with several seeds, as jobs.

The settings of a job hold no more than its result depends on: another study that shares trainings shares results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np

from edgekit.jobs.job import Job
from quant import datasets
from quant.datasets.choice import Choice
from quant.datasets.excerpt import excerpt
from quant.datasets.protocols import Split, splits
from quant.datasets.recordings import Recordings
from quant.datasets.wheel import Say

FORMAT = 1  # of what jobs take and return
TRIAL, FLOOR = "edgekit.evaluation.trial:train", "edgekit.evaluation.floor:classify"


@dataclass(frozen=True)
class Part:
    """One split of a data set.

    Attributes:
        choice: with a fold, and with everything else that the data set would have filled in.
        group: what a table has a row for: the fold, or the subject.
        sha256: of its trials, so that recordings of one name are told apart.
        note: what the recordings are, where they are not plain ones.
    """

    data: str
    choice: Choice
    group: str
    sha256: str
    note: str = ""

    @property
    def source(self) -> dict[str, Any]:
        """Where the trials come from, as part of a job's settings."""
        choice = {name: value for name, value in asdict(self.choice).items() if name != "standardize"}
        return {"format": FORMAT, "data": self.data, "choice": choice, "sha256": self.sha256}

    def scaled(self, standardize: str) -> Part:
        """The same trials in another standardisation."""
        return replace(self, choice=replace(self.choice, standardize=standardize))


@dataclass(frozen=True)
class Study:
    """What is trained.

    Attributes:
        preset, orders: of the integer networks; all orders start from the same float network.
        config: settings of the network.
        recipe: fields of :class:`quant.networks.recipe.Recipe`.
        validation: share of the training trials, the last ones, that are held out to choose by.
        keep: results hold the integer networks too.
    """

    model: str
    preset: str
    orders: tuple[str, ...]
    config: Mapping[str, Any]
    recipe: Mapping[str, Any]
    validation: float = 0.0
    keep: bool = False

    def job(self, part: Part, seed: int, label: str = "") -> Job:
        """One training; ``label`` goes in front of its title."""
        settings = {
            **part.source,
            **asdict(self),
            "orders": list(self.orders),
            "standardize": part.choice.standardize,
            "seed": seed,
            "versions": {name: version(name) for name in ("torch", "brevitas", "numpy")},
        }
        return Job(TRIAL, settings, f"{label}{': ' if label else ''}{part.group}, seed {seed}")


def floor_job(part: Part) -> Job:
    """CSP + LDA on the same trials."""
    return Job(FLOOR, part.source, f"{part.group}, CSP + LDA")


def parts(data: str, choice: Choice, subjects: Sequence[int] | None, say: Say) -> list[Part]:
    """Every split of a protocol.

    Args:
        choice: without subject and fold.
        subjects: each by himself; empty: all that there are. None: all, and together where the protocol is
            cross-subject.

    Raises:
        UserError: as :func:`quant.datasets.load`.
    """
    source = datasets.source(data)
    chosen = choice.over(source.default)
    if subjects is not None and choice.protocol is None and chosen.protocol == "cross-subject":
        chosen = replace(chosen, protocol="within-subject")
    if source.recordings is None or subjects or chosen.protocol == "cross-subject":
        alone = [replace(chosen, subject=subject) for subject in subjects] if subjects else [chosen]
        return [part for one in alone for part in _parts(data, one, *datasets.trials_and_splits(data, say, one))]
    assert isinstance(chosen.excerpt, str) and chosen.protocol is not None
    whole = excerpt(chosen.excerpt).apply(source.recordings(say, None))
    found = []
    for subject in whole.subjects:
        own = whole.of(subject)
        found += _parts(data, replace(chosen, subject=subject), own, splits(own, chosen.protocol, subject))
    return found


def _parts(data: str, choice: Choice, trials: Recordings, found: Sequence[Split]) -> list[Part]:
    group = "fold {}" if choice.subject is None else f"subject {choice.subject}"
    return [
        Part(data, replace(choice, fold=fold), group.format(fold), fingerprint(trials, split), trials.note)
        for fold, split in enumerate(found, 1)
    ]


def fingerprint(trials: Recordings, split: Split) -> str:
    """Of both parts' samples, labels and subjects."""
    digest = hashlib.sha256()
    for part in (split.train, split.test):
        for array in (trials.x, trials.y, trials.subject):
            digest.update(np.ascontiguousarray(array[part]).tobytes())
    return digest.hexdigest()


def chosen(settings: Mapping[str, Any]) -> tuple[Recordings, Split]:
    """The trials and the split of a job."""
    choice = Choice(**settings["choice"])
    trials, splits = _loaded(settings["data"], replace(choice, fold=None))
    assert choice.fold is not None
    return trials, splits[choice.fold - 1]


@lru_cache(maxsize=1)
def _loaded(data: str, choice: Choice) -> tuple[Recordings, list[Split]]:
    """Kept for the next job of this process."""
    return datasets.trials_and_splits(data, choice=choice)
