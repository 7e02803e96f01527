"""Compare training settings by cross-validation on the training set; the test set is never read.

    python -m quant.training.cross_validate ecg-tcn --seeds 2 qat_epochs=10 qat_epochs=20,qat_learning_rate=1e-3

prints, per setting, the mean held-out accuracy of the float and the quantized network, and how often they agree.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from quant import datasets, networks
from quant.metrics import Metrics
from quant.networks.recipe import Recipe
from quant.training.evaluate import predict
from quant.training.loop import reproducible
from quant.training.modules import FloatNetwork
from quant.training.stages import float_stage, quantized_stage


def folds(labels: NDArray[np.int64], count: int, seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(training, held-out) indices; every class is spread over the folds as evenly as it goes."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    for fold in range(count):
        held_out = np.zeros(len(labels), bool)
        held_out[order[fold::count]] = True
        yield np.flatnonzero(~held_out), np.flatnonzero(held_out)


def parse(setting: str, base: Recipe) -> Recipe:
    """``name=value,name=value`` applied to ``base``."""
    changes = dict(part.split("=") for part in setting.split(",") if part)
    types = {field.name: type(getattr(base, field.name)) for field in dataclasses.fields(base)}
    return dataclasses.replace(base, **{name: types[name](value) for name, value in changes.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description="compare training settings on the training set")
    parser.add_argument("model")
    parser.add_argument("settings", nargs="+", help="name=value,... (empty: the default recipe)")
    parser.add_argument("--preset", default="int8")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    model = networks.model(args.model)
    preset, data = model.preset(args.preset), datasets.load(model.dataset)
    x, y, classes = torch.from_numpy(data.scale(data.x_train)), torch.from_numpy(data.y_train), len(data.classes)
    hits: dict[str, list[tuple[float, float]]] = {setting: [] for setting in args.settings}
    floats: dict[tuple, FloatNetwork] = {}
    with reproducible(threads=1):
        for seed in range(args.seeds):
            for fold, (fit_on, held_out) in enumerate(folds(data.y_train, args.folds, seed)):
                for setting in args.settings:
                    recipe = parse(setting, model.recipe)
                    key = (seed, fold, recipe.epochs, recipe.learning_rate, recipe.batch, recipe.decay, recipe.balance)
                    if key not in floats:
                        floats[key] = float_stage(model.network, x[fit_on], y[fit_on], recipe, seed, classes)[0]
                    quantized = quantized_stage(floats[key], x[fit_on], y[fit_on], recipe, preset, seed, classes)[0]
                    pair = [Metrics.of(predict(m, x[held_out]), y[held_out], classes) for m in (floats[key], quantized)]
                    hits[setting].append((pair[0].accuracy, pair[1].accuracy))
                print(f"seed {seed} fold {fold}", flush=True)
                for setting, rows in hits.items():
                    means = 100 * np.array(rows).mean(axis=0)
                    print(
                        f"  {setting or 'default':50s} float {means[0]:.2f}  {preset.name} {means[1]:.2f}", flush=True
                    )


if __name__ == "__main__":
    main()
