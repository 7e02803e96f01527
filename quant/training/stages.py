"""The two stages of training, each a function from data and recipe to a network."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from quant.networks.network import Network
from quant.networks.order import Order
from quant.networks.recipe import Preset, Recipe
from quant.training.calibrate import activation_limits
from quant.training.commute import commuted
from quant.training.fold import fold_batch_norm
from quant.training.loop import Schedule, fit, seed_everything
from quant.training.modules import FloatNetwork
from quant.training.quantized import QuantNetwork
from quant.training.relaxation import relaxed


def float_stage(
    network: Network, x: Tensor, y: Tensor, recipe: Recipe, seed: int, classes: int, **options: Any
) -> tuple[FloatNetwork, list[dict[str, Any]]]:
    """Train from random weights; returns the network and its history. ``options`` go to :func:`loop.fit`."""
    seed_everything(seed, "float", recipe.epochs)
    model = FloatNetwork(network)
    schedule = Schedule("float", recipe.epochs, recipe.learning_rate, recipe.batch, recipe.decay, recipe.balance)
    return model, fit(model, x, y, schedule, seed, classes=classes, **options)


def merged(model: FloatNetwork, order: Order) -> FloatNetwork:
    """The float network that fine-tuning starts from: batch norm merged, convolutions in the order asked for."""
    return commuted(model) if order == "spatial-first" else fold_batch_norm(model)


def quantized_start(model: FloatNetwork, x: Tensor, preset: Preset, order: Order = "faithful") -> QuantNetwork:
    """Batch norm merged, weights quantized, activation ranges observed on ``x``: the point fine-tuning starts from."""
    start = merged(model, order)
    return QuantNetwork.from_float(start, preset, activation_limits(start, x))


def quantized_stage(
    model: FloatNetwork,
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
    preset: Preset,
    seed: int,
    classes: int,
    order: Order = "faithful",
    **options: Any,
) -> tuple[QuantNetwork, list[dict[str, Any]]]:
    """Fine-tune with fake quantization; returns the network and its history. ``options`` go to :func:`loop.fit`."""
    quantized = quantized_start(model, x, preset, order)
    schedule = Schedule("qat", recipe.qat_epochs, recipe.qat_learning_rate, recipe.batch, recipe.decay, recipe.balance)
    if recipe.qat == "ste":
        return quantized, fit(quantized, x, y, schedule, seed, classes=classes, **options)
    with relaxed(quantized, seed, recipe.qat_epochs) as begin:
        return quantized, fit(quantized, x, y, schedule, seed, classes=classes, begin=begin, **options)
