"""A network of the EEG family from training to the integer graph, in both orders."""

from pathlib import Path

import numpy as np
import pytest

from quant import reference
from quant.datasets.dataset import Dataset
from quant.errors import UserError
from quant.networks import MODELS, ORDERS
from quant.networks.network import INPUT
from quant.networks.recipe import Recipe
from quant.training.freeze import freeze
from quant.training.layerwise import quantize as to_integers
from quant.training.quantize import quantize
from quant.training.train import load, train

SHORT = Recipe(batch=8, epochs=1, qat_epochs=1)


@pytest.fixture(scope="module")
def rhythms() -> Dataset:
    """Two classes that differ in which of two of the four electrodes swings, 64 Hz, down-sampled by 3."""
    rng = np.random.default_rng(0)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(count, dtype=np.int64) % 2
        x = rng.normal(size=(count, 1, 4, 80))
        x[np.arange(count), 0, y] += 3 * np.sin(np.arange(80) * 2 * np.pi * 10 / 64)
        return x.astype(np.float32), y

    (x_train, y_train), (x_test, y_test) = part(32), part(24)
    offset, span = np.full((1, 4, 1), 0.1, np.float32), np.array([1, 2, 3, 4], np.float32).reshape(1, 4, 1)
    return Dataset("rhythms", ("left", "right"), x_train, y_train, x_test, y_test, offset, span, divisor=3)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("name", "config"), [("eegnet", {"elu": False}), ("q-eegnet", {}), ("eeg-tcnet", {})])
def test_trained_quantized_and_the_same_in_integers(
    name: str, config: dict, order: str, rhythms: Dataset, tmp_path: Path
) -> None:
    model = MODELS[name]
    done = train(model, rhythms, tmp_path, order=order, network_config=config, recipe=SHORT)
    run = load(tmp_path)
    assert run.order == order and run.config == done.config
    first = next(step for step in run.floating.network.steps if step.weights)
    assert first.name == "temporal" and run.config["network"]["config"] == config
    result = quantize(run, rhythms)
    assert all(record.unexplained == 0 for record in result.checks)
    assert result.report["eeg"]["order"] == order and len(result.report["eeg"]["spatial"]) == 16
    assert result.report["order"] == order and result.report["macs"] == run.floating.network.macs
    entry = result.graph.inputs[0]
    inputs = to_integers(rhythms.scale(rhythms.x_test), freeze(run.quantized).input)
    scores = reference.run(result.graph, {INPUT: inputs})[result.graph.outputs[0].name]
    assert entry.dtype.low == -128 and entry.zero_point == 0
    assert (scores.argmax(1) == rhythms.y_test).mean() == result.report["metrics"]["int8"]["accuracy"]


def test_an_order_that_does_not_exist_is_refused(rhythms: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="order of ecg-tcn"):
        train(MODELS["ecg-tcn"], rhythms, tmp_path, order="spatial-first")
    assert not list(tmp_path.iterdir())


def test_a_network_of_one_shape_refuses_others(rhythms: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"it takes inputs \(1, 140\) of 5 classes, not \(1, 4, 80\) of 2"):
        train(MODELS["ecg-tcn"], rhythms, tmp_path)
