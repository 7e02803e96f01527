"""Ranges of activations, observed on training data, from which the learned scales start."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from quant.networks.network import INPUT
from quant.training.modules import FloatNetwork
from quant.training.quantized import requantizes

CHUNK = 256  # inputs whose tensors are in memory at once
PERCENTILE = 99.9
SMALLEST = 1e-3  # a tensor that is zero on all training data still needs a scale


@torch.no_grad()
def activation_limits(model: FloatNetwork, x: Tensor) -> dict[str, float]:
    """Magnitude to represent of every tensor that gets its own scale, over the inputs ``x`` (N, *input_shape).

    The largest there is; of a signed input, a recording with artefacts, the 99.9th percentile.
    """
    model.eval()
    limits: dict[str, float] = {}
    for part in x.split(CHUNK):
        values = model.values(part)
        for step in model.network.steps:
            if requantizes(step):
                limit = float(values[step.name].abs().max())
                limits[step.name] = max(limit, limits.get(step.name, SMALLEST))
    if model.network.signed_input:
        limits[INPUT] = max(float(np.percentile(x.abs().numpy(), PERCENTILE)), SMALLEST)
    return limits
