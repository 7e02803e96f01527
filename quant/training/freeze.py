"""The trained integers and scales, read from Brevitas: from here on nothing is quantized again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from brevitas.nn import QuantConv1d, QuantConv2d, QuantLinear
from brevitas.quant_tensor import IntQuantTensor
from numpy.typing import NDArray

from quant.lowering import Scale
from quant.networks.network import INPUT, Network, Step
from quant.training.quantized import QuantConvBlock, QuantDenseBlock, QuantNetwork, requantizes


@dataclass(frozen=True, eq=False)
class FrozenLayer:
    """One layer's integers: weight int64 (out, ...), its float32 scales (out,), bias int64 (out,) at s_in * s_w."""

    output: Scale
    weight: NDArray[np.int64] | None = None
    weight_steps: NDArray[np.float32] | None = None
    bias: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Frozen:
    """A quantized network without any framework: steps (no batch norm) and what was trained for each."""

    network: Network
    input: Scale
    layers: Mapping[str, FrozenLayer]


@torch.no_grad()
def freeze(model: QuantNetwork) -> Frozen:
    """Read every layer of ``model``, which is switched to evaluation mode."""
    model.eval()
    values = model.values(torch.zeros(1, *model.network.input_shape))
    layers = {step.name: _layer(model, step, values) for step in model.network.steps if requantizes(step)}
    return Frozen(model.network, _scale(values[INPUT]), layers)


def _scale(tensor: IntQuantTensor) -> Scale:
    assert tensor.scale.dtype == torch.float32 and tensor.scale.numel() == 1
    return Scale(tensor.scale.item(), bool(tensor.signed))


def _layer(model: QuantNetwork, step: Step, values: Mapping[str, IntQuantTensor]) -> FrozenLayer:
    block, output = model.step(step.name), _scale(values[step.name])
    if isinstance(block, QuantConvBlock):
        layer: QuantConv1d | QuantConv2d | QuantLinear = block.conv
    elif isinstance(block, QuantDenseBlock):
        layer = block.dense
    else:
        return FrozenLayer(output)
    weight = layer.quant_weight()
    bias = None
    if layer.bias is not None:
        bias = integers(layer.bias_quant(layer.bias, values[step.inputs[0]], weight))
    return FrozenLayer(output, integers(weight), weight.scale.reshape(-1).numpy().copy(), bias)


def integers(tensor: IntQuantTensor) -> NDArray[np.int64]:
    """Brevitas' integers: 0..255 for unsigned activations."""
    return tensor.int(float_datatype=False).numpy().astype(np.int64)
