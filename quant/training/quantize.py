"""A finished training turned into files: ``model.onnx``, ``model.qcdq.onnx`` and ``model.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto

from quant.datasets.dataset import Dataset
from quant.graph import Graph
from quant.interchange import write
from quant.metrics import Metrics
from quant.training import checkpoint
from quant.training.check import Check, LayerCheck
from quant.training.eeg import eeg
from quant.training.examples import examples
from quant.training.export import to_graph
from quant.training.freeze import Frozen, freeze
from quant.training.layerwise import batches
from quant.training.loop import reproducible
from quant.training.qcdq import to_qcdq
from quant.training.sqnr import Noise
from quant.training.stages import merged
from quant.training.train import Run

MODEL, QCDQ, REPORT = FILES = ("model.onnx", "model.qcdq.onnx", "model.json")


@dataclass(frozen=True, eq=False)
class Quantized:
    """The integer graph, its QCDQ form, the check of every layer, and everything ``model.json`` says."""

    graph: Graph
    qcdq: ModelProto
    checks: list[LayerCheck]
    report: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write the three files, each in one step; ``model.json`` last."""
        folder.mkdir(parents=True, exist_ok=True)
        write.save(write.to_onnx(self.graph), folder / MODEL)
        write.save(self.qcdq, folder / QCDQ)
        checkpoint.write_json(folder / REPORT, self.report)


def quantize(run: Run, data: Dataset) -> Quantized:
    """Export ``run`` and evaluate the integer graph on the whole test set of ``data``.

    Raises:
        UserError: a weight, scale or accumulator that the integer arithmetic cannot hold.
    """
    frozen = freeze(run.quantized)
    facts = information(run, data)
    graph = to_graph(frozen, facts)
    output = graph.outputs[0].name
    check, noise, scores = Check(frozen), Noise(frozen), []
    with reproducible(run.config["threads"]):
        reference = merged(run.floating, run.order)
        for batch in batches(reference, run.quantized, graph, frozen.input, data.scale(data.x_test)):
            check.add(batch)
            noise.add(batch)
            scores.append((batch.floating[output].numpy(), batch.integer[output]))
    floating, integer = (np.concatenate(parts) for parts in zip(*scores, strict=True))
    answers = floating.argmax(axis=1), integer.argmax(axis=1)
    checks = list(check.layers.values())
    report = {
        **facts,
        "data": {"split": data.split, "note": data.note},
        "metrics": {**run.metrics, "int8": Metrics.of(integer, data.y_test, len(data.classes)).as_json()},
        "tensors": tensors(graph),
        "weight_scales": weight_scales(frozen),
        "float64_check": [asdict(record) | {"unexplained": record.unexplained} for record in checks],
        "sqnr": [layer.as_json() for layer in noise.layers],
        "examples": examples(data.x_test, data.y_test, *answers),
        "eeg": eeg(run.floating.network, run.order, frozen, data, *answers),
    }
    return Quantized(graph, to_qcdq(run.quantized, facts), checks, report)


def information(run: Run, data: Dataset) -> dict[str, Any]:
    """Facts that travel inside the model: origin, classes, preprocessing, order, the counts of the published table.

    Network input = (recorded - offset) * gain; both are numbers, or nested lists broadcastable to a sample.
    """
    network = run.floating.network
    return {
        "model": run.config["model"],
        "dataset": data.name,
        "preset": run.config["preset"],
        "seed": run.config["seed"],
        "classes": list(data.classes),
        "preprocess": {"offset": np.asarray(data.offset, float).tolist(), "gain": data.gain.tolist()},
        "order": run.order if len(run.model.orders) > 1 else None,
        "macs": network.macs,
        "weights": network.weights,
        "parameters": network.trainable,
    }


def tensors(graph: Graph) -> dict[str, Any]:
    """Scale, zero point and the real range of every tensor."""
    return {
        name: {
            "scale": tensor.scale,
            "zero_point": tensor.zero_point,
            "range": [(q - tensor.zero_point) * (tensor.scale or 0.0) for q in (tensor.dtype.low, tensor.dtype.high)],
        }
        for name, tensor in graph.tensors.items()
    }


def weight_scales(frozen: Frozen) -> dict[str, list[float]]:
    """Per layer with weights, the float32 scale of every output channel."""
    return {
        name: layer.weight_steps.astype(float).tolist()
        for name, layer in frozen.layers.items()
        if layer.weight_steps is not None
    }
