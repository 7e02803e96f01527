"""The two stages of training, each a function from data and recipe to a network."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from quant.networks.network import Network
from quant.networks.recipe import Preset, Recipe
from quant.training.calibrate import activation_limits
from quant.training.fold import fold_batch_norm
from quant.training.loop import Schedule, fit, seed_everything
from quant.training.modules import FloatNetwork
from quant.training.quantized import QuantNetwork


def float_stage(
    network: Network, x: Tensor, y: Tensor, recipe: Recipe, seed: int, classes: int, **options: Any
) -> tuple[FloatNetwork, list[dict[str, Any]]]:
    """Train from random weights; returns the network and its history. ``options`` go to :func:`loop.fit`."""
    seed_everything(seed, "float", recipe.epochs)
    model = FloatNetwork(network)
    schedule = Schedule("float", recipe.epochs, recipe.learning_rate, recipe.batch, recipe.decay, recipe.balance)
    return model, fit(model, x, y, schedule, seed, classes=classes, **options)


def quantized_start(model: FloatNetwork, x: Tensor, preset: Preset) -> QuantNetwork:
    """Batch norm merged, weights quantized, activation ranges observed on ``x``: the point fine-tuning starts from."""
    folded = fold_batch_norm(model)
    return QuantNetwork.from_float(folded, preset, activation_limits(folded, x))


def quantized_stage(
    model: FloatNetwork, x: Tensor, y: Tensor, recipe: Recipe, preset: Preset, seed: int, classes: int, **options: Any
) -> tuple[QuantNetwork, list[dict[str, Any]]]:
    """Fine-tune with fake quantization; returns the network and its history. ``options`` go to :func:`loop.fit`."""
    quantized = quantized_start(model, x, preset)
    schedule = Schedule("qat", recipe.qat_epochs, recipe.qat_learning_rate, recipe.batch, recipe.decay, recipe.balance)
    return quantized, fit(quantized, x, y, schedule, seed, classes=classes, **options)
