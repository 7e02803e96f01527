"""A short cut through training: temporal convolution, batch norm and spatial convolution in the cheap order.

Nothing lies between the three, so the spatial filters may run first (:mod:`quant.networks.order`), with an eighth or
less of the work. The batch norm between them needs mean and variance of the temporal convolution's output, which is
then never computed; but they follow from the mean and the second moments of the window that its taps see, and those
are sums over the input alone: m = E[v], R = E[v v^T] for the window v of K samples, so that mean_f = w_f m and
var_f = w_f R w_f - mean_f^2. It is the same function with the same gradients, not an approximation; rounding differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from quant.networks.layers import Conv
from quant.networks.network import Step

if TYPE_CHECKING:
    from quant.training.modules import ConvBlock


@torch.no_grad()
def tap_moments(x: Tensor, temporal: Step) -> Tensor:
    """Moments of the window that the taps of ``temporal`` see, over electrodes and time.

    Args:
        x: (N, 1, electrodes, T).

    Returns:
        (N, K, K + 1): R, and m as last column.
    """
    assert isinstance(temporal.layer, Conv)
    kernel, _, _, pads = temporal.layer.geometry(2)
    result = []
    for sample in x:
        windows = F.pad(sample[0], pads[1]).unfold(1, kernel[1], 1).reshape(-1, kernel[1])
        result.append(torch.cat([windows.T @ windows, windows.sum(0)[:, None]], 1) / len(windows))
    return torch.stack(result)


def run_front_end(temporal: ConvBlock, spatial: ConvBlock, x: Tensor, moments: Tensor) -> Tensor:
    """Output (N, channels, 1, T) of the spatial block for ``x`` (N, 1, electrodes, T) in training mode.

    The batch norm's running statistics are updated as torch does it.
    """
    bn = temporal.bn
    assert bn is not None and bn.running_mean is not None and bn.running_var is not None and bn.momentum is not None
    taps = temporal.conv.weight.flatten(1)
    average = moments.mean(0)
    mean = taps @ average[:, -1]
    variance = ((taps @ average[:, :-1]) * taps).sum(1) - mean.square()
    with torch.no_grad():
        count = len(x) * x.shape[2] * x.shape[3]
        bn.running_mean.lerp_(mean, bn.momentum)
        bn.running_var.lerp_(variance * count / (count - 1), bn.momentum)
        bn.num_batches_tracked.add_(1)  # type: ignore[union-attr]
    gain = bn.weight / torch.sqrt(variance + bn.eps)
    offset = bn.bias - mean * gain
    depth = spatial.conv.out_channels // len(taps)
    weights = spatial.conv.weight.flatten(1)
    summed = torch.einsum("net,ce->nct", x[:, 0], weights)
    filters = (taps * gain[:, None]).repeat_interleave(depth, 0)[:, None]
    bias = offset.repeat_interleave(depth) * weights.sum(1)
    y = F.conv1d(F.pad(summed, temporal.padding[:2]), filters, bias, groups=len(filters))[:, :, None]
    return spatial.activation(y if spatial.bn is None else spatial.bn(y))
