"""The job of one method on one split: fit on the training trials' features, label the test trials."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.evaluation.hd.methods import Method, lengths
from edgekit.evaluation.study import Part, chosen
from edgekit.jobs.job import Job
from quant.datasets.choice import Choice
from quant.datasets.protocols import Split
from quant.features.trials import Fold, Trials
from quant.graph import Graph
from quant.hd import svm_graph, svm_readout
from quant.hd.classifier import HdClassifier, arranged
from quant.hd.embedding import Embedding
from quant.hd.embeddings import embedding
from quant.hd.graph import to_graph
from quant.hd.memory import ClassMemory
from quant.hd.settings import Settings
from quant.hd.svm import WEIGHTS, LinearSvm
from quant.interchange.write import to_onnx
from quant.reference import run

FORMAT = 1  # of what jobs take and return
INTEGER = "SVM, int8 in integers"  # what boards would run
CLASSIFY = "edgekit.evaluation.hd.classify:classify"


def job(part: Part, method: Method, bank: str, keep: bool) -> Job:
    """``keep``: with the models that were fitted, for their price on boards."""
    settings = {**part.source, "hd": FORMAT, "method": method.facts(), "bank": bank, "keep": keep}
    return Job(CLASSIFY, settings, f"{part.group}, fold {part.choice.fold}, {method.title}")


@dataclass(frozen=True, eq=False)
class Answer:
    """One classifier's labels of the test trials.

    Attributes:
        line: what it is called without its size.
        dimension: bits of a vector; None of an SVM.
        bits: what a model holds of the training trials.
        fit: seconds of processor time, with one pass over the embedding; None where it is a part of a larger fit.
        model: as ONNX, where it was asked for.
    """

    name: str
    line: str
    labels: NDArray[np.int64]
    dimension: int | None
    bits: int
    fit: float | None
    model: bytes | None = None


def classify(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as :func:`job` makes them.

    Returns:
        ``labels``, ``subjects`` of the test trials; ``predictions`` and ``facts`` (line, dimension, bits, fit) per
        classifier, see :class:`Answer`; ``models``: base64 of those that were kept.
    """
    trials, split, fold = features(settings)
    method, classes = Method.of(settings["method"]), trials.recordings.classes
    if method.embedding is None:
        answers = list(_svm(fold, len(classes), settings["keep"]))
    else:
        answers = list(_embedded(method, fold, classes, settings["keep"]))
    return {
        "split": split.name,
        "held": 0,
        "labels": fold.y_test.tolist(),
        "subjects": trials.recordings.subject[split.test].tolist(),
        "predictions": {one.name: one.labels.tolist() for one in answers},
        "facts": {
            one.name: {"line": one.line, "dimension": one.dimension, "bits": one.bits, "fit": one.fit}
            for one in answers
        },
        "models": {one.name: base64.b64encode(one.model).decode() for one in answers if one.model},
    }


def features(settings: Mapping[str, Any]) -> tuple[Trials, Split, Fold]:
    """Of the job's split; kept for the next jobs of this process."""
    return _fold(settings["data"], Choice(**settings["choice"]), settings["bank"])


@lru_cache(maxsize=3)
def _fold(data: str, choice: Choice, bank: str) -> tuple[Trials, Split, Fold]:
    _, split = chosen({"data": data, "choice": vars(choice)})
    trials = _trials(data, replace(choice, fold=1), bank)
    return trials, split, trials.fold(split)


@lru_cache(maxsize=1)
def _trials(data: str, choice: Choice, bank: str) -> Trials:
    recordings, _ = chosen({"data": data, "choice": vars(choice)})
    return Trials.of(recordings, bank)


def _svm(fold: Fold, classes: int, keep: bool) -> Iterator[Answer]:
    train, test = (x.reshape(len(x), -1) for x in (fold.x_train, fold.x_test))
    started = time.process_time()
    svm = LinearSvm.fit(train, fold.y_train, classes)
    spent = time.process_time() - started
    for kind in WEIGHTS:
        name = f"SVM, {kind}"
        yield Answer(name, name, svm.predict(test, kind), None, svm.bits(kind), spent)
    graph = svm_graph.to_graph(svm, fold.steps_train, fold.front.scale, "svm")
    labels = run(graph, {svm_graph.INPUT: fold.steps_test.reshape(len(test), -1)})[svm_graph.LABEL][:, 0]
    yield Answer(INTEGER, INTEGER, labels, None, 8 * svm.weights.size, spent, _onnx(graph) if keep else None)


def _embedded(method: Method, fold: Fold, classes: tuple[str, ...], keep: bool) -> Iterator[Answer]:
    train, test = fold.steps_train, fold.steps_test
    for settings, sizes in lengths(method, train.shape[2], train.shape[1]):
        yield from _fitted(method, settings, sizes, arranged(train, settings.mode), test, fold, classes, keep)


def _fitted(
    method: Method,
    settings: Settings,
    sizes: tuple[int, ...],
    train: NDArray[np.int16],
    test: NDArray[np.int16],
    fold: Fold,
    classes: tuple[str, ...],
    keep: bool,
) -> Iterator[Answer]:
    assert method.embedding is not None
    y, count, others = fold.y_train, len(classes), arranged(test, settings.mode)
    started = time.process_time()
    encoder = embedding(method.embedding).fit(train, y, count, settings)
    known = encoder.encode(train)
    encoded = time.process_time() - started
    if method.readouts:
        # One pass over the projection for test trials and hyperplanes: making its rows is most of the work.
        started = time.process_time()
        planes = svm_readout.hyperplanes(train, y, count, fold.front.scale, settings.seed)
        spent = encoded + time.process_time() - started
        both = encoder.encode(np.concatenate([others, planes]))
        unseen, projected = both[: len(others)], both[len(others) :]
    else:
        unseen = encoder.encode(others)

    def answer(line: str, memory: ClassMemory, spent: float) -> Answer:
        size = memory.dimension
        whole = size == encoder.dimension
        model = _model(encoder, memory, classes, line, fold) if keep and whole else None
        name, fit = f"{line}, {size} bits", spent if whole else None
        return Answer(name, line, memory.predict(unseen[:, :size]), size, memory.rows.size, fit, model)

    line = method.embedding if not method.readouts else f"{method.embedding}, all bands at once"
    for size in sizes:
        started = time.process_time()
        memory = ClassMemory.fit(known[:, :size], y, count, settings.centroids, settings.seed)
        yield answer(line, memory, encoded + time.process_time() - started)
        if method.readouts:
            started = time.process_time()
            rows = svm_readout.trained(known[:, :size], y, count, settings.seed)
            second = encoded + time.process_time() - started
            yield answer("binary SVM, projected", svm_readout.memory(projected[:, :size], y), spent)
            yield answer("binary SVM, trained on bits", svm_readout.memory(rows, y), second)


def _model(encoder: Embedding, memory: ClassMemory, classes: tuple[str, ...], name: str, fold: Fold) -> bytes:
    return _onnx(to_graph(HdClassifier(encoder, memory, classes), name, fold.front.scale))


def _onnx(graph: Graph) -> bytes:
    return to_onnx(graph).SerializeToString()
