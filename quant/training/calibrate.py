"""Ranges of activations, observed on training data, from which the learned scales start."""

from __future__ import annotations

import torch
from torch import Tensor

from quant.training.modules import FloatNetwork
from quant.training.quantized import requantizes

SMALLEST = 1e-3  # a tensor that is zero on all training data still needs a scale


@torch.no_grad()
def activation_limits(model: FloatNetwork, x: Tensor) -> dict[str, float]:
    """Largest magnitude of every tensor that gets its own scale, over the inputs ``x`` (N, *input_shape)."""
    model.eval()
    values = model.values(x)
    return {
        step.name: max(float(values[step.name].abs().max()), SMALLEST)
        for step in model.network.steps
        if requantizes(step)
    }
