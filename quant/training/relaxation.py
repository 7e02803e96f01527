"""Random partition relaxation: weights are quantized a growing random part at a time.

The schedule of Q-EEGNet: first activations only (straight-through estimator), then of every weight tensor half, then
three quarters, ... at last all; frozen weights hold their quantized value, the others train on, and at every step the
partition is drawn anew and the optimizer starts afresh. Source: Schneider et al., "Q-EEGNet", SMARTCOMP 2020, section
IV; Cavigelli and Benini, "RPR: random partition relaxation for training binary and ternary weight neural networks",
2020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from quant.training.quantized import QuantConvBlock, QuantDenseBlock, QuantNetwork

FRACTIONS = (0.5, 0.75, 0.875, 0.9375, 0.96875, 0.98438, 0.99219, 0.99609, 1.0)
Begin = Callable[[int, Optimizer], None]


def fractions(epochs: int) -> list[float]:
    """Fraction of frozen weights by epoch: none in the first half, then each of the published ones equally long.

    The last one gets what remains, at least one epoch.
    """
    relaxed = epochs // 2
    each = (epochs - relaxed) / (len(FRACTIONS) + 1)
    ends = list(accumulate([each] * (len(FRACTIONS) - 1), initial=float(relaxed)))[1:]
    return [
        0.0 if epoch < relaxed else FRACTIONS[sum(epoch >= end for end in ends)] if epoch < epochs - 1 else 1.0
        for epoch in range(epochs)
    ]


class Relaxed(nn.Module):
    """A weight quantizer that passes the weights outside ``frozen`` (bool, like the weights) through in float."""

    def __init__(self, quantizer: nn.Module, frozen: Tensor) -> None:
        super().__init__()
        self.quantizer, self.frozen = quantizer, frozen

    def forward(self, weight: Tensor) -> tuple[Tensor, ...]:
        quantized, *rest = self.quantizer(weight)
        return torch.where(self.frozen, quantized.detach(), weight), *rest


@contextmanager
def relaxed(model: QuantNetwork, seed: int, epochs: int) -> Iterator[Begin]:
    """Yields what has to be called at the beginning of every epoch; ``model`` has its own quantizers afterwards."""
    layers = [block.conv if isinstance(block, QuantConvBlock) else block.dense for block in _blocks(model)]
    plan = fractions(epochs)

    def begin(epoch: int, optimizer: Optimizer) -> None:
        phase = plan.index(plan[epoch])
        rng = np.random.default_rng([seed, phase])
        _restore(layers)
        for layer in layers:
            order = rng.permutation(layer.weight.numel()).reshape(tuple(layer.weight.shape))
            frozen = torch.from_numpy(order < round(plan[epoch] * order.size))
            layer.weight_quant.tensor_quant = Relaxed(layer.weight_quant.tensor_quant, frozen)
        if phase == epoch:
            optimizer.state.clear()

    try:
        yield begin
    finally:
        _restore(layers)


def _restore(layers: Sequence[Any]) -> None:
    """Their own weight quantizers; also Brevitas puts them back, when it loads a state."""
    for layer in layers:
        if isinstance(layer.weight_quant.tensor_quant, Relaxed):
            layer.weight_quant.tensor_quant = layer.weight_quant.tensor_quant.quantizer


def _blocks(model: QuantNetwork) -> Iterator[QuantConvBlock | QuantDenseBlock]:
    for block in model.children():
        if isinstance(block, QuantConvBlock | QuantDenseBlock):
            yield block
