"""Hyperdimensional classifiers for ``edgekit run``: features, fit, integer graph, and what the report says of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.delivery import MODEL
from edgekit.screen import Screen, table
from quant import datasets
from quant.datasets.choice import Choice
from quant.front_end import KEY
from quant.graph import Graph
from quant.hd.classifier import HdClassifier
from quant.hd.curve import Labelled, curve
from quant.hd.graph import to_graph, to_learner
from quant.hd.settings import Settings
from quant.metrics import Metrics

REFERENCE = "linear SVM"
SHOTS, QUERIES, FIRMWARE = "shots.npy", "queries.npy", "firmware"


@dataclass(frozen=True, eq=False)
class Task:
    """Features of training and test trials, int16 (N, B, n), and where they come from.

    Attributes:
        info: facts that travel in the model, the front end among them.
        scale: of the features.
        data: what a report says of the data: split and note.
        windows: samples of the test trials, int16 (N, channels, samples).
        reference: what a linear SVM with float64 weights answers on the test trials, (N, classes).
    """

    dataset: str
    classes: tuple[str, ...]
    train: Labelled
    test: Labelled
    info: dict[str, Any]
    scale: float
    data: dict[str, str]
    windows: NDArray[np.int16]
    reference: NDArray[np.float64]


def load(name: str, choice: Choice, bank: str, screen: Screen) -> Task:
    """Trials of a data set as Riemannian features that the training trials fit.

    Raises:
        UserError: unknown data set or bank; recordings that the features cannot be computed of; a class without
            training trials.
    """
    from quant.features.trials import Trials
    from quant.hd.svm import LinearSvm

    with screen.step("data set") as step:
        recordings, splits = datasets.trials_and_splits(name, screen.say, choice)
        split = datasets.fold_of(splits, name, choice)
        step.end(f"{name}: {len(split.train)} for training, {len(split.test)} for testing ({split.name})")
    if recordings.note:
        screen.say(f"  {recordings.note}")
    with screen.step("features") as step:
        trials = Trials.of(recordings.select(np.union1d(split.train, split.test)), bank)
        fold = trials.fold(split)
        train, test = fold.steps_train, fold.steps_test
        step.end(f"{train.shape[1]} bands of {train.shape[2]}")
    classes = len(recordings.classes)
    rows, others = (x.reshape(len(x), -1) for x in (fold.x_train, fold.x_test))
    reference = LinearSvm.fit(rows, fold.y_train, classes).scores(others)
    info = {"dataset": name, "classes": list(recordings.classes), KEY: fold.front.to_info()}
    data = {"split": split.name, "note": recordings.note}
    known, unseen = Labelled(train, fold.y_train), Labelled(test, fold.y_test)
    return Task(
        name, recordings.classes, known, unseen, info, fold.front.scale, data, trials.windows[split.test], reference
    )


@dataclass(frozen=True, eq=False)
class Fitted:
    """A classifier, its graph, and what a report says of both."""

    classifier: HdClassifier
    graph: Graph
    quantized: dict[str, Any]
    facts: dict[str, Any]


def fit(
    model: str,
    embedding: str,
    settings: Settings,
    task: Task,
    out: Path,
    screen: Screen,
    readout: str | None = None,
    learn: bool = False,
) -> Fitted:
    """Fit on the training trials, write ``out/model.onnx``, evaluate on the test trials.

    Args:
        readout: one of :data:`quant.hd.svm_readout.READOUTS`: rows of the class memory from a support vector machine;
            None: from the training trials.
        learn: with entries to learn and forget.

    Raises:
        UserError: as :meth:`HdClassifier.fit`, :func:`quant.hd.svm_readout.fit` and :func:`to_learner`.
    """
    from quant.hd import svm_readout
    from quant.interchange.write import save, to_onnx

    given = (task.train.x, task.train.y, task.classes)

    def make(settings: Settings) -> HdClassifier:
        if readout is None:
            return HdClassifier.fit(embedding, *given, settings)
        return svm_readout.fit(embedding, *given, settings, readout, task.scale)

    with screen.step("classifier") as step:
        started = time.perf_counter()
        classifier = make(settings)
        seconds = time.perf_counter() - started
        distances = classifier.distances(task.test.x)
        metrics = Metrics.of(-distances, task.test.y, len(task.classes))
        step.end(f"{classifier.memory.dimension:,} bits, {100 * metrics.accuracy:.2f} %, fitted in {seconds:.2f} s")
    graph = (to_learner if learn else to_graph)(
        classifier, model, task.scale, {**task.info, "model": model, "preset": embedding}
    )
    out.mkdir(parents=True, exist_ok=True)
    save(to_onnx(graph), out / MODEL)
    with screen.step("accuracy by bits") as step:
        points = curve(classifier, task.test, make)
        step.end(", ".join(f"{point.dimension:,}: {100 * point.accuracy:.1f} %" for point in points[-3:]))
    quantized = {
        "data": task.data,
        "metrics": {
            "float": Metrics.of(task.reference, task.test.y, len(task.classes)).as_json(),
            "int8": metrics.as_json(),
        },
        "sqnr": [],
        "examples": [],
        "eeg": None,
    }
    facts = {
        **described(classifier),
        "fit_seconds": seconds,
        "curve": [asdict(point) for point in points],
        "between": classifier.memory.between().tolist(),
        "distances": mean_distances(distances, task.test.y, len(task.classes)),
    }
    return Fitted(classifier, graph, quantized, facts)


def described(classifier: HdClassifier) -> dict[str, Any]:
    """Kind and sizes of a classifier, JSON-able."""
    embedding, memory = classifier.embedding, classifier.memory
    return {
        "embedding": embedding.name,
        "description": embedding.description,
        "mode": embedding.settings.mode if embedding.bands > 1 else "single",
        "dimension": memory.dimension,
        "features": embedding.features,
        "bands": embedding.bands,
        "centroids": memory.centroids,
        "memory_bits": memory.rows.size,
        "seen": memory.seen.tolist(),
    }


def lines(facts: Mapping[str, Any], classes: Sequence[str]) -> list[Any]:
    """The facts as text and a table."""
    columns = ("true class", *(f"to {name}" for name in classes))
    size = facts["dimension"]
    rows = [
        (name, *("-" if row is None else f"{value / size:.3f}" for value in row or classes))
        for name, row in zip(classes, facts["distances"], strict=True)
    ]
    steps = ", ".join(f"{point['dimension']:,}: {100 * point['accuracy']:.1f} %" for point in facts["curve"])
    return [
        f"{facts['embedding']}, mode {facts['mode']}: {size:,} bits of {facts['bands']} x {facts['features']} features,"
        f" fitted in {facts['fit_seconds']:.2f} s",
        f"accuracy by bits  {steps}",
        "",
        "mean distance of test trials to the classes, in parts of all bits",
        table(columns, rows, numbers="l" + "r" * len(classes)),
    ]


def write_shots(task: Task, out: Path) -> list[str]:
    """Trials for ``edgekit emulate --learn``, int16 as the model reads them; what to do with them, in words."""
    own = task.train.y == 0
    np.save(out / SHOTS, task.train.x[own])
    np.save(out / QUERIES, task.test.x)
    command = f"edgekit emulate {out / FIRMWARE} --learn {out / SHOTS} --class 0 --then-classify {out / QUERIES}"
    return ["", f"{own.sum()} training trials of class 0 to learn again, the test trials to classify then:", command]


def mean_distances(distances: NDArray[np.int64], y: NDArray[np.int64], classes: int) -> list[list[float] | None]:
    """Mean distance of the test trials of each true class, a row each, to every class; None where there are none."""
    return [distances[y == label].mean(axis=0).tolist() if (y == label).any() else None for label in range(classes)]
