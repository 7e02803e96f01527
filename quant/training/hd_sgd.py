"""End-to-end training of the embedding ``learned-sgd``; the method is that of arXiv 1812.05705."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from quant.training.loop import reproducible
from quant.training.train import THREADS

LEARNING_RATE, MOMENTUM, BATCH, EPOCHS = 64.0, 0.5, 32, 51


class Step(torch.autograd.Function):
    """1 where x >= 0, else 0; backwards the gradient passes where abs(x) < 1."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return grad * (x.abs() < 1)


def train(
    x: NDArray[np.float32], y: NDArray[np.int64], keys: NDArray[np.bool_], targets: NDArray[np.bool_], seed: int
) -> NDArray[np.float32]:
    """Weights (D, n) such that the majority over bands gives each class its target bits.

    Logits are the bands' bits, each sign flipped where the band's key is 1, summed over bands, minus floor(B / 2); the
    loss is binary cross-entropy with the target.

    Args:
        x: (N, B, n), of about unit size.
        y: labels (N,).
        keys: (B, D).
        targets: (classes, D).
    """
    bands, dimension = keys.shape
    with reproducible(THREADS):
        torch.manual_seed(seed % (1 << 63))
        layer = torch.nn.Linear(x.shape[2], dimension, bias=False)
        optimizer = torch.optim.SGD(layer.parameters(), LEARNING_RATE, MOMENTUM)
        signs = torch.from_numpy(1.0 - 2.0 * keys.astype(np.float32))
        wanted = torch.from_numpy(targets.astype(np.float32))
        samples, labels = torch.from_numpy(x), torch.from_numpy(y)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(x)).split(BATCH):
                ones = Step.apply(layer(samples[batch]) * signs).sum(dim=1)
                loss = F.binary_cross_entropy_with_logits(ones - bands // 2, wanted[labels[batch]])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return layer.weight.detach().numpy()
