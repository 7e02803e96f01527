"""The job of a study: train in float, fine-tune and export each order, and label the test trials with all of them."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edgekit.evaluation.statistics import FLOAT
from edgekit.evaluation.study import chosen
from quant import networks
from quant.datasets.protocols import Split, dataset_of
from quant.interchange.write import to_onnx
from quant.networks.recipe import Recipe

if TYPE_CHECKING:
    from onnx import ModelProto


def train(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as :meth:`study.Study.job` makes them.

    Returns:
        ``labels``, ``subjects`` of the trials and ``predictions`` per method, first the ``held`` ones of the training
        part that nothing was trained on, then those of the test part; ``seconds`` per stage; the name of the ``split``;
        the network's ``parameters`` and ``macs``; where it is asked for, ``models``: the ONNX file of each integer
        network in base64.
    """
    import torch

    from quant.training.evaluate import predict
    from quant.training.export import to_graph
    from quant.training.freeze import freeze
    from quant.training.layerwise import quantize
    from quant.training.loop import reproducible
    from quant.training.quantize import information
    from quant.training.stages import float_stage, quantized_stage
    from quant.training.train import THREADS, Run

    trials, split = chosen(settings)
    held = round(settings["validation"] * len(split.train))
    split = held_out(split, held)
    data = dataset_of(trials, split, settings["standardize"])
    model, classes, seed = networks.model(settings["model"]), len(data.classes), settings["seed"]
    recipe, preset = Recipe(**settings["recipe"]), model.preset(settings["preset"])
    network = model.fitted(data.x_train.shape[1:], classes, data.divisor, settings["config"])
    x, y = torch.from_numpy(data.scale(data.x_train)), torch.from_numpy(data.y_train)
    test, models = data.scale(data.x_test), {}
    predictions, seconds = {}, {}
    with reproducible(THREADS):
        started = time.monotonic()
        floating, _ = float_stage(network, x, y, recipe, seed, classes)
        predictions[FLOAT] = predict(floating.eval(), torch.from_numpy(test)).argmax(axis=1)
        seconds[FLOAT] = time.monotonic() - started
        for order in settings["orders"]:
            started = time.monotonic()
            quantized, _ = quantized_stage(floating, x, y, recipe, preset, seed, classes, order)
            frozen = freeze(quantized.eval())
            name = method(preset.name, order)
            facts = {"model": model.name, "preset": preset.name, "seed": seed, "network": {"order": order}}
            exported = to_onnx(to_graph(frozen, information(Run(Path(), facts, floating, quantized, {}), data)))
            predictions[name] = scores(exported, quantize(test, frozen.input)).argmax(axis=1)
            seconds[name] = time.monotonic() - started
            models[name] = base64.b64encode(exported.SerializeToString()).decode()
    return {
        "split": data.split,
        "held": held,
        "parameters": network.trainable,
        "macs": network.macs,
        "labels": data.y_test.tolist(),
        "subjects": trials.subject[split.test].tolist(),
        "predictions": {name: found.tolist() for name, found in predictions.items()},
        "seconds": {name: round(spent, 2) for name, spent in seconds.items()},
        **({"models": models} if settings["keep"] else {}),
    }


def held_out(split: Split, count: int) -> Split:
    """The last ``count`` training trials moved in front of the test trials.

    The last ones in the order of recording, which is by subject, then by time: neighbours stay on one side.
    """
    if not count:
        return split
    return replace(split, train=split.train[:-count], test=np.concatenate([split.train[-count:], split.test]))


def method(preset: str, order: str) -> str:
    """What tables call an integer network."""
    return f"{preset} {order}"


def scores(model: ModelProto, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """The integer network's outputs (N, classes) in ONNX Runtime, which gives the reference's bytes and is faster."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {entry: sample[None]})[0] for sample in inputs])
