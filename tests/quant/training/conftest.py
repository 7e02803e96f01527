"""A small network with every kind of layer, and data it can learn, for tests of the mechanics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from quant.datasets.dataset import Dataset
from quant.datasets.standardize import unit_range
from quant.networks import MODELS, Model
from quant.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, Pool, Residual
from quant.networks.network import Network
from quant.networks.recipe import Recipe

torch = pytest.importorskip("torch", reason="training needs edgekit[train]")
torch.set_num_threads(1)  # tests run side by side

TOY = Network(
    "toy",
    input_shape=(2, 6, 9),
    table=(
        Conv("stem", channels=6, kernel=(1, 4), pads=((0, 0), (1, 2)), bn=BatchNorm(), activation="relu"),
        Conv("depthwise", channels=6, kernel=(3, 1), groups=6, bn=BatchNorm()),
        Pool("mean", kernel=(1, 2), stride=(1, 2)),
        Residual(
            "block",
            body=(
                Conv("conv1", channels=4, kernel=2, pads=((1, 0), (1, 0)), bn=BatchNorm(), activation="relu"),
                Dropout("dropout", p=0.2),
                Conv("conv2", channels=4, kernel=1, bias=True),
            ),
            shortcut=(Conv("shortcut", channels=4, kernel=1, bias=True, bn=BatchNorm()),),
            activation="relu",
        ),
        Pool("largest", kernel=2, stride=1, kind="max"),
        Flatten("flatten"),
        Dense("hidden", features=8, bias=True, activation="relu"),
        Dense("scores", features=3),
    ),
)
RECIPE = Recipe(batch=16, epochs=3, qat_epochs=2)


@pytest.fixture(scope="module")
def toy() -> Iterator[Model]:
    """The small network, registered as ``toy``."""
    model = Model(TOY, "blobs", "for tests", recipe=RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "toy", model)
        yield model


@pytest.fixture(scope="session")
def blobs() -> Dataset:
    """Three classes, unequal in number, each with its own mean image plus noise."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, *TOY.input_shape))

    def part(counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        y = np.repeat(np.arange(3), counts)
        x = centres[y] + rng.normal(size=(len(y), *TOY.input_shape))
        return x.astype(np.float32), y.astype(np.int64)

    (x_train, y_train), (x_test, y_test) = part((40, 20, 6)), part((30, 30, 30))
    return Dataset("blobs", ("a", "b", "c"), x_train, y_train, x_test, y_test, *unit_range(x_train))
