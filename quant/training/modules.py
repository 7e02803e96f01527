"""The float network, built from a layer table."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quant.networks.layers import (
    Add,
    Conv,
    Dense,
    Dropout,
    Elu,
    Flatten,
    Initial,
    LastStep,
    Layer,
    Pool,
    Reshape,
)
from quant.networks.network import INPUT, Network, Step
from quant.networks.order import commutes
from quant.training.front_end import run_front_end, tap_moments

ELEMENTS = 1 << 24  # of all layers of the inputs that are evaluated together
CONV = {1: nn.Conv1d, 2: nn.Conv2d}
BATCH_NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
POOL = {
    ("average", 1): nn.AvgPool1d,
    ("average", 2): nn.AvgPool2d,
    ("max", 1): nn.MaxPool1d,
    ("max", 2): nn.MaxPool2d,
}


class StepNetwork(nn.Module):
    """Runs one module per step of a network; ``build`` chooses the module for a step.

    Submodules are called like the steps with ``/`` for ``.``, which torch does not allow in module names; ONNX export
    turns them into node names such as ``/b1/conv1/Conv``.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        for step in network.steps:
            self.add_module(module_name(step.name), self.build(step))

    def build(self, step: Step) -> nn.Module:
        raise NotImplementedError

    def enter(self, x: Tensor) -> Any:
        """What happens to the input before the first step."""
        return x

    def values(self, x: Tensor) -> dict[str, Any]:
        """Every step's output by name, and the network's own input, for ``x`` (N, *input_shape)."""
        return self.complete({INPUT: self.enter(x)}, self.network.steps)

    def complete(self, values: dict[str, Any], steps: Sequence[Step]) -> dict[str, Any]:
        """``values`` with the outputs of ``steps`` added, which read what is there or what comes before them."""
        for step in steps:
            values[step.name] = self.step(step.name)(*(values[name] for name in step.inputs))
        return values

    def forward(self, x: Tensor) -> Any:
        """``x``: (N, *input_shape) -> (N, *output_shape)."""
        return self.values(x)[self.network.steps[-1].name]

    def at_once(self, most: int) -> int:
        """How many inputs to evaluate together, up to ``most``, so that all layers' outputs fit the memory."""
        return max(1, min(most, ELEMENTS // sum(prod(step.shape) for step in self.network.steps)))

    def step(self, name: str) -> nn.Module:
        """The module that runs the step of that name."""
        return getattr(self, module_name(name))


def module_name(step_name: str) -> str:
    return step_name.replace(".", "/")


class FloatNetwork(StepNetwork):
    """The network in float32.

    Where it starts with a temporal and a spatial convolution, training takes a short cut: see
    :mod:`quant.training.front_end`.
    """

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.short_cut = commutes(network) and network.table[0].bn is not None  # type: ignore[union-attr]

    def moments(self, x: Tensor) -> Tensor | None:
        """What :meth:`forward` needs to know of inputs (N, *input_shape) for its short cut; None without one."""
        return tap_moments(x, self.network.steps[0]) if self.short_cut else None

    def forward(self, x: Tensor, moments: Tensor | None = None) -> Tensor:
        """``x``: (N, *input_shape) -> (N, *output_shape); ``moments``: their part of :meth:`moments`."""
        if moments is None:
            return super().forward(x)
        temporal, spatial, *rest = self.network.steps
        first, second = self.step(temporal.name), self.step(spatial.name)
        assert isinstance(first, ConvBlock) and isinstance(second, ConvBlock)
        behind = run_front_end(first, second, x, moments)
        return self.complete({spatial.name: behind}, rest)[self.network.steps[-1].name]

    @torch.no_grad()
    def constrain(self) -> None:
        """Shrink every filter that exceeds its layer's ``max_norm`` to it."""
        for step in self.network.steps:
            limit = getattr(step.layer, "max_norm", None)
            if limit is not None:
                weight = self.get_parameter(
                    f"{module_name(step.name)}.{'conv' if isinstance(step.layer, Conv) else 'dense'}.weight"
                )
                weight.copy_(torch.renorm(weight, 2, 0, limit))

    def build(self, step: Step) -> nn.Module:
        layer = step.layer
        if isinstance(layer, Conv):
            return ConvBlock(step)
        if isinstance(layer, Dense):
            return DenseBlock(step)
        if isinstance(layer, Add):
            return AddBlock(layer)
        return weightless(step)


class ConvBlock(nn.Module):
    """Padding -> convolution -> batch norm -> activation."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.padding, arguments = conv_arguments(step)
        rank = len(step.shape) - 1
        self.conv = CONV[rank](**arguments)
        layer = step.layer
        assert isinstance(layer, Conv)
        self.bn = BATCH_NORM[rank](step.shape[0], layer.bn.eps, layer.bn.momentum) if layer.bn else None
        self.activation = activation(layer)
        start(self.conv, layer.initial)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(F.pad(x, self.padding))
        return self.activation(y if self.bn is None else self.bn(y))


class DenseBlock(nn.Module):
    """Fully connected -> activation."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.dense = nn.Linear(**dense_arguments(step))
        self.activation = activation(step.layer)
        assert isinstance(step.layer, Dense)
        start(self.dense, step.layer.initial)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.dense(x))


class AddBlock(nn.Module):
    """Sum -> activation."""

    def __init__(self, layer: Add) -> None:
        super().__init__()
        self.activation = activation(layer)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.activation(x + y)


def start(module: nn.modules.conv._ConvNd | nn.Linear, initial: Initial) -> None:
    """Weights as the layer's row asks for; biases are zero where they are not torch's own choice."""
    if initial == "torch":
        return
    if initial == "he":
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
    else:
        nn.init.xavier_uniform_(module.weight)
    if module.bias is not None:
        nn.init.zeros_(module.bias)


class LastStepOf(nn.Module):
    """The last time step of every channel, flat."""

    def forward(self, x: Tensor) -> Tensor:
        return x[..., -1].flatten(1)


class Reshaped(nn.Module):
    """The same elements in another shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


class TimeDropout(nn.Module):
    """Zeroes whole time steps with probability ``p``, the same in all channels."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        mask = F.dropout(torch.ones_like(x[:, :1]), self.p, self.training)
        return x * mask


def activation(layer: Layer) -> nn.Module:
    return nn.ReLU() if getattr(layer, "activation", "none") == "relu" else nn.Identity()


def weightless(step: Step) -> nn.Module:
    """Modules for layers without weights, the same in float and quantized networks."""
    layer = step.layer
    if isinstance(layer, Dropout):
        kinds = {"element": nn.Dropout, "channel": nn.Dropout1d if len(step.shape) == 2 else nn.Dropout2d}
        return TimeDropout(layer.p) if layer.kind == "time" else kinds[layer.kind](layer.p)
    if isinstance(layer, Elu):
        return nn.ELU()
    if isinstance(layer, Flatten):
        return nn.Flatten()
    if isinstance(layer, Reshape):
        return Reshaped(step.shape)
    if isinstance(layer, LastStep):
        return LastStepOf()
    if isinstance(layer, Pool):
        kernel, stride, _, _ = layer.geometry(len(step.shape) - 1)
        return POOL[layer.kind, len(kernel)](kernel, stride)
    raise TypeError(f"no module for layer {layer}")


def conv_arguments(step: Step) -> tuple[list[int], dict]:
    """Padding in the order of ``F.pad`` (last axis first) and keyword arguments of ``ConvNd`` without padding."""
    layer = step.layer
    assert isinstance(layer, Conv)
    kernel, stride, dilation, pads = layer.geometry(len(step.shape) - 1)
    arguments = {
        "in_channels": step.in_shapes[0][0],
        "out_channels": layer.channels,
        "kernel_size": kernel,
        "stride": stride,
        "dilation": dilation,
        "groups": layer.groups,
        "bias": layer.bias,
    }
    return [n for pair in reversed(pads) for n in pair], arguments


def dense_arguments(step: Step) -> dict:
    layer = step.layer
    assert isinstance(layer, Dense)
    return {"in_features": step.in_shapes[0][0], "out_features": layer.features, "bias": layer.bias}
