"""Scores of a torch network over many inputs."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quant.training.modules import StepNetwork
from quant.training.quantized import scores


@torch.no_grad()
def predict(model: StepNetwork, x: Tensor) -> NDArray[np.float32]:
    """Scores (N, classes) of inputs (N, *input_shape), in evaluation mode."""
    model.eval()
    return torch.cat([scores(model(part)) for part in x.split(model.at_once(500))]).numpy()
