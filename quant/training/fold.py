"""Batch norm merged into the convolution before it: fine-tuning then sees the very weights that are deployed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch

from quant.networks.layers import Conv, Layer, Residual
from quant.training.modules import ConvBlock, FloatNetwork


def folded_table(rows: Sequence[Layer | Residual]) -> tuple[Layer | Residual, ...]:
    """The same table with ``bn`` turned into ``bias``."""
    return tuple(_fold_row(row) for row in rows)


def _fold_row(row: Layer | Residual) -> Layer | Residual:
    if isinstance(row, Residual):
        return dataclasses.replace(row, body=folded_table(row.body), shortcut=folded_table(row.shortcut))  # type: ignore[arg-type]
    return dataclasses.replace(row, bn=None, bias=True) if isinstance(row, Conv) and row.bn else row


@torch.no_grad()
def fold_batch_norm(model: FloatNetwork) -> FloatNetwork:
    """A float network without batch norm that computes what ``model`` computes in evaluation mode.

    With g = gamma / sqrt(running_var + eps): w' = w * g, b' = beta + (b - running_mean) * g.
    """
    network = dataclasses.replace(model.network, table=folded_table(model.network.table))
    result = FloatNetwork(network).to(next(model.parameters()).dtype)
    for step in network.steps:
        old, new = model.step(step.name), result.step(step.name)
        if isinstance(old, ConvBlock) and isinstance(new, ConvBlock) and old.bn is not None:
            assert new.conv.bias is not None and old.bn.running_mean is not None and old.bn.running_var is not None
            gain = old.bn.weight / torch.sqrt(old.bn.running_var + old.bn.eps)
            bias = 0.0 if old.conv.bias is None else old.conv.bias
            new.conv.weight.copy_(old.conv.weight * gain.reshape(-1, *[1] * (old.conv.weight.ndim - 1)))
            new.conv.bias.copy_(old.bn.bias + (bias - old.bn.running_mean) * gain)
        else:
            new.load_state_dict(old.state_dict())
    return result.eval()
