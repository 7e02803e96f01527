"""EEGNet with a binary memory for ``edgekit run``: projection and memory behind a network, and their figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit.delivery import MODEL
from edgekit.hd import mean_distances
from edgekit.samples import stored
from edgekit.screen import Screen, table
from quant.datasets import Dataset
from quant.errors import Problem, UserError
from quant.graph import Graph
from quant.hd.curve import DIMENSIONS as LENGTHS
from quant.hd.memory import ClassMemory
from quant.interchange.write import save, to_onnx
from quant.mann.graph import DISTANCES, Projection, RandomProjection, features_tensor, keys_of, values, with_memory
from quant.mann.sizes import Memory, published, sizes
from quant.metrics import Metrics
from quant.networks.network import Network

if TYPE_CHECKING:
    from quant.training.quantize import Quantized
    from quant.training.train import Run

WIDTHS = (16, 8)  # as published, and as stored here
NOTES = {"random": "a matrix of +1 and -1 that its seed gives", "learned": "a dense layer with a straight-through sign"}


@dataclass(frozen=True, eq=False)
class Augmented:
    """The network with its memory, its test inputs, and what a report says of both."""

    graph: Graph
    inputs: NDArray
    quantized: dict[str, Any]
    facts: dict[str, Any]
    sizes: list[dict[str, Any]]


def augment(
    trained: Run, backbone: Quantized, data: Dataset, kind: Memory, dimension: int, out: Path, screen: Screen
) -> Augmented:
    """Put ``dimension`` bits per class in the place of the last layer; write ``out/model.onnx``.

    Raises:
        UserError: a class without training trials, or what the integer arithmetic cannot hold.
    """
    graph, seed = backbone.graph, int(trained.config["seed"])
    entry, classes = graph.inputs[0], len(data.classes)
    assert entry.scale is not None
    known, asked = (stored(data.scale(x), entry.scale, entry.zero_point) for x in (data.x_train, data.x_test))
    refuse_unseen(data)
    with screen.step("class memory") as step:
        started = time.perf_counter()
        projection = _projection(kind, graph, known, data, dimension, seed, int(trained.config["threads"]))
        keys = keys_of(graph, projection, known)
        memory = ClassMemory.fit(keys, data.y_train, classes, seed=seed)
        seconds = time.perf_counter() - started
        info = {"memory": kind, "dimension": dimension}
        augmented = with_memory(graph, projection, memory, info)
        distances = values(augmented, DISTANCES, asked)
        metrics = Metrics.of(-distances, data.y_test, classes)
        step.end(f"{kind} projection to {dimension:,} bits, {100 * metrics.accuracy:.2f} %")
    save(to_onnx(augmented), out / MODEL)
    facts = {
        "embedding": f"{kind} projection",
        "description": NOTES[kind],
        "mode": "single",
        "dimension": dimension,
        "features": graph.tensors[features_tensor(graph)].elements,
        "bands": 1,
        "centroids": 1,
        "memory_bits": memory.rows.size,
        "seen": memory.seen.tolist(),
        "fit_seconds": seconds,
        "curve": _curve(keys, keys_of(graph, projection, asked), data, seed),
        "between": memory.between().tolist(),
        "distances": mean_distances(distances, data.y_test, classes),
    }
    report = {
        **_report(backbone.report, augmented, data, distances.argmin(axis=1)),
        "data": backbone.report["data"],
        "metrics": {"float": backbone.report["metrics"]["float"], "int8": metrics.as_json()},
    }
    return Augmented(augmented, asked, report, facts, size_rows(trained.floating.network, kind, dimension))


def size_rows(network: Network, kind: Memory, dimension: int) -> list[dict[str, Any]]:
    """The sizes of a network in every width, and those of the published one."""
    own = [sizes(network, kind, dimension, width) for width in WIDTHS]
    labels = [f"{part.width} bits a parameter" for part in own]
    pairs = zip([*labels, "as published"], [*own, published(kind)], strict=True)
    return [{"label": label, **part.as_json()} for label, part in pairs]


def _report(known: Mapping[str, Any], graph: Graph, data: Dataset, answers: NDArray[np.int64]) -> dict[str, Any]:
    """What is known of the network's layers, without those that are gone, and whom it works for with its memory."""
    from quant.training.eeg import by_subject

    layers, eeg = {node.name for node in graph.nodes}, known["eeg"]
    found = by_subject(data.subject_test, data.y_test, answers, answers)
    if eeg is not None:
        rows = zip(eeg["subjects"], found, strict=True)
        eeg = {**eeg, "subjects": [{**row, "int8": own["int8"]} for row, own in rows]}
    return {"sqnr": [row for row in known["sqnr"] if row["name"] in layers], "examples": [], "eeg": eeg}


def refuse_unseen(data: Dataset) -> None:
    """Raise UserError naming every class that no training trial shows."""
    counts = np.bincount(data.y_train, minlength=len(data.classes))
    problems = [
        Problem("it has no training trials", f"class '{name}'", "one trial or more of every class", "another split")
        for name, count in zip(data.classes, counts, strict=True)
        if count == 0
    ]
    if problems:
        raise UserError(problems)


def _projection(
    kind: Memory, graph: Graph, known: NDArray, data: Dataset, dimension: int, seed: int, threads: int
) -> Projection:
    if kind == "random":
        return RandomProjection(dimension, seed)
    from quant.training.mann import learn_projection

    flat = features_tensor(graph)
    features = values(graph, flat, known) - graph.tensors[flat].zero_point
    return learn_projection(features, data.y_train, len(data.classes), dimension, seed, threads)


def _curve(known: NDArray[np.bool_], asked: NDArray[np.bool_], data: Dataset, seed: int) -> list[dict[str, Any]]:
    """Accuracy with the first bits only, up to all of them."""
    points = []
    total = known.shape[1]
    for count in (*(n for n in LENGTHS if n < total), total):
        memory = ClassMemory.fit(known[:, :count], data.y_train, len(data.classes), seed=seed)
        points.append({"dimension": count, "accuracy": float(np.mean(memory.predict(asked[:, :count]) == data.y_test))})
    return points


def size_lines(rows: list[dict[str, Any]]) -> list[Any]:
    """The size table: bits of the parts, before and after."""
    columns = ("bits of", *(row["label"] for row in rows))
    names = {
        "backbone": "layers before the last",
        "classifier": "last layer (replaced)",
        "projection": "projection",
        "memory": "class memory",
        "before": "network as it was",
        "after": "with its memory",
    }
    body = [(text, *(f"{row[key]:,}" for row in rows)) for key, text in names.items()]
    return [table(columns, [*body, ("smaller by", *(ratio(row) for row in rows))], numbers="l" + "r" * len(rows))]


def ratio(row: Mapping[str, Any]) -> str:
    """``smaller`` in words."""
    value = row["smaller"]
    return f"{value:.3f} x" if value >= 1 else f"{1 / value:.2f} x larger"
