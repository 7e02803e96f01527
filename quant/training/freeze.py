"""The trained integers and scales, read from Brevitas: from here on nothing is quantized again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from brevitas.quant_tensor import IntQuantTensor
from numpy.typing import NDArray
from torch import nn

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
    seen: dict[str, tuple[tuple[IntQuantTensor, ...], IntQuantTensor]] = {}

    def record(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[IntQuantTensor, ...], output: IntQuantTensor) -> None:
            seen[name] = (inputs, output)

        return hook

    hooks = [model.step(step.name).register_forward_hook(record(step.name)) for step in model.network.steps]
    hooks.append(model.input.register_forward_hook(record(INPUT)))
    try:
        model(torch.zeros(1, *model.network.input_shape))
    finally:
        for hook in hooks:
            hook.remove()
    layers = {step.name: _layer(model, step, *seen[step.name]) for step in model.network.steps if requantizes(step)}
    return Frozen(model.network, _scale(seen[INPUT][1]), layers)


def _scale(tensor: IntQuantTensor) -> Scale:
    assert tensor.scale.dtype == torch.float32 and tensor.scale.numel() == 1
    return Scale(tensor.scale.item(), bool(tensor.signed))


def _layer(
    model: QuantNetwork, step: Step, inputs: tuple[IntQuantTensor, ...], output: IntQuantTensor
) -> FrozenLayer:
    block = model.step(step.name)
    layer = getattr(block, "conv", None) if isinstance(block, QuantConvBlock) else None
    layer = block.dense if isinstance(block, QuantDenseBlock) else layer
    if layer is None:
        return FrozenLayer(_scale(output))
    weight = layer.quant_weight()
    bias = None
    if layer.bias is not None:
        bias = _integers(layer.bias_quant(layer.bias, inputs[0], weight))
    return FrozenLayer(_scale(output), _integers(weight), weight.scale.reshape(-1).numpy().copy(), bias)


def _integers(tensor: IntQuantTensor) -> NDArray[np.int64]:
    return tensor.int(float_datatype=False).numpy().astype(np.int64)
