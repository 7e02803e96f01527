"""A trained network in spatial-first order: the same function in real numbers, batch norm merged."""

from __future__ import annotations

import torch

from quant.networks.order import front_end, spatial_first
from quant.training.fold import fold_batch_norm
from quant.training.modules import FloatNetwork


@torch.no_grad()
def commuted(model: FloatNetwork) -> FloatNetwork:
    """``model`` in evaluation mode as :func:`quant.networks.order.spatial_first` arranges it, without batch norm.

    With the merged temporal filters t_f, their offsets b_f, and the merged spatial filters s_c and offsets b_c of the
    channels c that belong to f: first sum_e s_c[e] x_e(t), then t_f along time, then b_c + b_f * sum_e s_c[e].

    Raises:
        UserError: the network does not start with a temporal and a spatial convolution.
    """
    temporal, spatial = front_end(model.network)
    folded = fold_batch_norm(model)
    state = folded.state_dict()
    result = FloatNetwork(spatial_first(folded.network)).to(next(folded.parameters()).dtype)
    taps, taps_bias = (state.pop(f"{temporal.name}.conv.{part}") for part in ("weight", "bias"))
    sums, sums_bias = (state.pop(f"{spatial.name}.conv.{part}") for part in ("weight", "bias"))
    depth = len(sums) // len(taps)
    state[f"{spatial.name}.conv.weight"] = sums.permute(0, 2, 1, 3)
    state[f"{temporal.name}.conv.weight"] = taps.repeat_interleave(depth, 0)
    state[f"{temporal.name}.conv.bias"] = sums_bias + taps_bias.repeat_interleave(depth) * sums.flatten(1).sum(1)
    result.load_state_dict(state)
    return result.eval()
