"""The jobs of a search, and what their results make of every point of the grid."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgekit.evaluation.statistics import Run
from edgekit.evaluation.study import Part, Study
from edgekit.jobs.job import Job
from edgekit.search import price
from edgekit.search.grid import Point
from edgekit.search.results import Configuration

HELD_OUT = 0.2  # of the training part, the last trials


@dataclass(frozen=True, eq=False)
class Trained:
    """One training of one point, and what it returned."""

    group: str
    seed: int
    result: Mapping[str, Any]

    def model(self, method: str) -> str:
        """The integer network, ONNX in base64."""
        return self.result["models"][method]

    def onnx(self, method: str) -> bytes:
        return base64.b64decode(self.model(method))


@dataclass(frozen=True, eq=False)
class Plan:
    """What is trained: every point on every split with every seed.

    Attributes:
        method: what tables call the integer network (see :func:`edgekit.evaluation.trial.method`).
    """

    model: str
    preset: str
    order: str
    method: str
    points: Sequence[Point]
    parts: Sequence[Part]
    seeds: int

    def jobs(self) -> list[Job]:
        """Point by point, split by split, seed by seed."""
        return [job for point in self.points for job in self._jobs(point)]

    def _jobs(self, point: Point) -> list[Job]:
        study = Study(self.model, self.preset, (self.order,), point.config, asdict(point.recipe), HELD_OUT, keep=True)
        parts = [part if point.standardize is None else part.scaled(point.standardize) for part in self.parts]
        return [study.job(part, seed, point.label) for part in parts for seed in range(self.seeds)]

    def trained(self, results: Sequence[Mapping[str, Any]]) -> dict[str, list[Trained]]:
        """Results of the jobs, by the point's label."""
        each, places = iter(results), [(part.group, seed) for part in self.parts for seed in range(self.seeds)]
        return {point.label: [Trained(*place, next(each)) for place in places] for point in self.points}

    def prices(self, trained: Mapping[str, Sequence[Trained]], boards: Sequence[str]) -> dict[str, dict[str, Job]]:
        """By label and board: the job that prices it. Points that differ in no layer share their price."""
        models: dict[str, str] = {}
        for point in self.points:
            models.setdefault(layers(point), trained[point.label][0].model(self.method))
        return {
            point.label: {board: price.job(models[layers(point)], board, point.label) for board in boards}
            for point in self.points
        }

    def configurations(
        self, trained: Mapping[str, Sequence[Trained]], prices: Mapping[str, Mapping[str, Any]]
    ) -> list[Configuration]:
        """Everything about every point."""
        return [
            Configuration(
                point.label,
                {**{key: trained[point.label][0].result[key] for key in ("parameters", "macs")}, **settings(point)},
                [Run.of(one.group, one.seed, one.result, held=True) for one in trained[point.label]],
                [Run.of(one.group, one.seed, one.result) for one in trained[point.label]],
                prices[point.label],
            )
            for point in self.points
        ]


def layers(point: Point) -> str:
    """What decides the layers of a point's network: everything but dropout, which is gone after training."""
    return json.dumps({name: value for name, value in point.config.items() if "dropout" not in name}, sort_keys=True)


def settings(point: Point) -> dict[str, Any]:
    """As they are kept with the results."""
    return {"config": dict(point.config), "recipe": asdict(point.recipe), "standardize": point.standardize}
