"""Ranges of activations, observed on training data, from which the learned scales start."""

from __future__ import annotations

import torch
from torch import Tensor

from quant.networks.network import INPUT
from quant.training.modules import FloatNetwork
from quant.training.quantized import requantizes


@torch.no_grad()
def activation_limits(model: FloatNetwork, x: Tensor) -> dict[str, float]:
    """Largest magnitude of every tensor that gets its own scale, over the inputs ``x`` (N, *input_shape)."""
    model.eval()
    values = {INPUT: x}
    limits: dict[str, float] = {}
    for step in model.network.steps:
        values[step.name] = model.step(step.name)(*(values[name] for name in step.inputs))
        if requantizes(step):
            limits[step.name] = max(float(values[step.name].abs().max()), 1e-3)
    return limits
