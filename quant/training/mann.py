"""A projection to bits that is trained: the sign has the gradient of a straight line near zero."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from quant.mann.graph import LearnedProjection
from quant.training.loop import reproducible

EPOCHS, BATCH, RATE = 60, 64, 1e-3
SHARPNESS = 10.0  # similarities are between -1 and 1; logits between -10 and 10
NARROW = 127


class Sign(torch.autograd.Function):
    """+1 where x >= 0, -1 elsewhere; the gradient passes where |x| <= 1 (straight-through estimator)."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


def learn_projection(
    features: NDArray[np.int64], y: NDArray[np.int64], classes: int, dimension: int, seed: int, threads: int
) -> LearnedProjection:
    """Fit e = sign(P h + b) so that trials are like the prototype of their class and unlike the others.

    The prototype of a class is the sign of its batch's mean; the loss is cross entropy of the similarities e p / D.
    P is stored as int8 by rows, b in the same steps: signs do not depend on the steps.

    Args:
        features: (N, n), zero point removed.
        y: (N,) class of each.
    """
    h = torch.from_numpy(features.astype(np.float32))
    labels, spread = torch.from_numpy(y.astype(np.int64)), float(h.std()) or 1.0
    with reproducible(threads):
        generator = torch.Generator().manual_seed(seed)
        layer = nn.Linear(h.shape[1], dimension)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) / np.sqrt(h.shape[1]))
            layer.bias.copy_(-(layer.weight @ (h / spread).mean(dim=0)))  # half of the bits are 1 at first
        optimizer = torch.optim.Adam(layer.parameters(), RATE)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(h), generator=generator).split(BATCH):
                bits = Sign.apply(layer(h[batch] / spread))
                chosen = F.one_hot(labels[batch], classes).float()
                prototypes = Sign.apply(chosen.T @ bits / chosen.sum(dim=0).clamp(min=1)[:, None])
                loss = F.cross_entropy(SHARPNESS / dimension * bits @ prototypes.T, labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    weight = layer.weight.detach().double().numpy() / spread
    step = np.abs(weight).max(axis=1, keepdims=True) / NARROW
    bias = layer.bias.detach().double().numpy() / step[:, 0]
    return LearnedProjection(np.rint(weight / step).astype(np.int64), np.rint(bias).astype(np.int64))
