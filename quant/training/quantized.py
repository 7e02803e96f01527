"""The fake-quantized network that fine-tuning trains, built from a layer table without batch norm."""

from __future__ import annotations

from collections.abc import Mapping

from brevitas.nn import QuantConv1d, QuantConv2d, QuantIdentity, QuantLinear
from brevitas.quant_tensor import IntQuantTensor
from torch import Tensor, nn
from torch.nn import functional as F

from quant.networks.layers import Add, Conv, Dense, Elu, Pool
from quant.networks.network import INPUT, Network, Step
from quant.networks.recipe import Preset
from quant.training.modules import (
    FloatNetwork,
    StepNetwork,
    activation,
    conv_arguments,
    dense_arguments,
    weightless,
)
from quant.training.quantizers import activation_quantizer, bias_quantizer, weight_quantizer

CONV = {1: QuantConv1d, 2: QuantConv2d}


def requantizes(step: Step) -> bool:
    """Whether the step ends in a quantizer of its own; other steps keep their input's scale."""
    return isinstance(step.layer, Conv | Dense | Add | Elu) or (
        isinstance(step.layer, Pool) and step.layer.kind == "average"
    )


def signed_steps(network: Network) -> dict[str, bool]:
    """Per tensor whether it holds negative values: ReLU outputs and inputs that say so are 0..255."""
    signed = {INPUT: network.signed_input}
    for step in network.steps:
        if isinstance(step.layer, Elu):
            signed[step.name] = True
        elif isinstance(step.layer, Conv | Dense | Add):
            signed[step.name] = step.layer.activation != "relu"
        else:
            signed[step.name] = signed[step.inputs[0]]
    return signed


class QuantNetwork(StepNetwork):
    """Quantized weights, biases and activations around float32 arithmetic.

    ``limits`` gives per requantizing step the largest magnitude to represent at first (see
    :mod:`quant.training.calibrate`). Between steps travel Brevitas' quant tensors: values with their scale.
    """

    def __init__(self, network: Network, preset: Preset, limits: Mapping[str, float]) -> None:
        self.preset, self.limits, self.signed = preset, limits, signed_steps(network)
        super().__init__(network)
        signed = network.signed_input
        quantizer = activation_quantizer(preset, limits.get(INPUT, 1.0), signed=signed, learned=signed)
        self.input = QuantIdentity(act_quant=quantizer, return_quant_tensor=True)

    def enter(self, x: Tensor) -> IntQuantTensor:
        return self.input(x)

    def build(self, step: Step) -> nn.Module:
        if not requantizes(step):
            return KeepScale(weightless(step))
        quantizer = activation_quantizer(self.preset, self.limits[step.name], self.signed[step.name])
        output = nn.Sequential(activation(step.layer), QuantIdentity(act_quant=quantizer, return_quant_tensor=True))
        if isinstance(step.layer, Conv):
            return QuantConvBlock(step, self.preset, output)
        if isinstance(step.layer, Dense):
            return QuantDenseBlock(step, self.preset, output)
        if isinstance(step.layer, Add):
            return QuantAddBlock(output)
        return QuantFunctionBlock(weightless(step), output)

    @classmethod
    def from_float(cls, model: FloatNetwork, preset: Preset, limits: Mapping[str, float]) -> QuantNetwork:
        """Start from the weights of a float network without batch norm."""
        result = cls(model.network, preset, limits)
        missing, unexpected = result.load_state_dict(model.state_dict(), strict=False)
        assert not unexpected and all("tensor_quant" in name for name in missing), (missing, unexpected)
        return result


class QuantConvBlock(nn.Module):
    """Padding with zeros -> convolution -> activation -> quantizer."""

    def __init__(self, step: Step, preset: Preset, output: nn.Module) -> None:
        super().__init__()
        self.padding, arguments = conv_arguments(step)
        self.conv = CONV[len(step.shape) - 1](
            **arguments, weight_quant=weight_quantizer(preset), bias_quant=bias_quantizer()
        )
        self.output = output

    def forward(self, x: IntQuantTensor) -> IntQuantTensor:
        return self.output(self.conv(F.pad(x, self.padding)))


class QuantDenseBlock(nn.Module):
    """Fully connected -> activation -> quantizer."""

    def __init__(self, step: Step, preset: Preset, output: nn.Module) -> None:
        super().__init__()
        self.dense = QuantLinear(
            **dense_arguments(step), weight_quant=weight_quantizer(preset), bias_quant=bias_quantizer()
        )
        self.output = output

    def forward(self, x: IntQuantTensor) -> IntQuantTensor:
        return self.output(self.dense(x))


class QuantAddBlock(nn.Module):
    """Sum of two tensors of different scales -> activation -> quantizer."""

    def __init__(self, output: nn.Module) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: IntQuantTensor, y: IntQuantTensor) -> IntQuantTensor:
        return self.output(x.value + y.value)


class QuantFunctionBlock(nn.Module):
    """Average pooling, or a function of one element -> quantizer."""

    def __init__(self, function: nn.Module, output: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.output = output

    def forward(self, x: IntQuantTensor) -> IntQuantTensor:
        return self.output(self.function(x.value))


class KeepScale(nn.Module):
    """A layer that only moves or drops values: they keep their scale."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: IntQuantTensor) -> IntQuantTensor:
        return x.set(value=self.layer(x.value))


def scores(output: Tensor | IntQuantTensor) -> Tensor:
    """The real-valued scores (N, classes) of a float or quantized network's output."""
    return output.value if isinstance(output, IntQuantTensor) else output
