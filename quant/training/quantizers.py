"""The Brevitas quantizers EdgeKit trains with.

Activations round half up, floor(x + 0.5), as the deployed arithmetic does; with power-of-two scales one value in a
hundred is a tie. Scales are float32: of weights per output channel (largest magnitude -> largest integer), of
activations per tensor and learned, of biases s_in * s_w.
"""

from __future__ import annotations

from typing import Any

import torch
from brevitas.core.scaling import ScalingImplType
from brevitas.function.ops_ste import floor_ste
from brevitas.inject import ExtendedInjector
from brevitas.inject.enum import RestrictValueType
from brevitas.quant import (
    Int8ActPerTensorFloatMinMaxInit,
    Int8WeightPerChannelFloat,
    Int32Bias,
    Uint8ActPerTensorFloatMaxInit,
)

from quant.networks.recipe import Preset

# A dead output channel (all weights near zero) keeps a scale at which its bias still fits int32.
SMALLEST_WEIGHT_RANGE = 1e-4


class RoundHalfUp(torch.nn.Module):
    """floor(x + 0.5); gradients pass straight through."""

    def __init__(self) -> None:  # Brevitas' injector reads the signature
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return floor_ste(x + 0.5)


def restrict(preset: Preset) -> RestrictValueType:
    return RestrictValueType.POWER_OF_TWO if preset.power_of_two else RestrictValueType.FP


def weight_quantizer(preset: Preset) -> type[ExtendedInjector]:
    """Signed, symmetric, narrow range (-127..127 for 8 bits), one scale per output channel."""
    return Int8WeightPerChannelFloat.let(
        bit_width=preset.weight_bits,
        restrict_scaling_type=restrict(preset),
        scaling_min_val=SMALLEST_WEIGHT_RANGE,
    )


def bias_quantizer() -> type[ExtendedInjector]:
    return Int32Bias


def activation_quantizer(preset: Preset, limit: float, signed: bool, learned: bool = True) -> type[ExtendedInjector]:
    """0..255, or -128..127 where ``signed``; the largest integer stands for ``limit`` at first."""
    settings: dict[str, Any] = {
        "float_to_int_impl": RoundHalfUp,
        "restrict_scaling_type": restrict(preset),
        "scaling_impl_type": ScalingImplType.PARAMETER if learned else ScalingImplType.CONST,
        "scaling_min_val": 1e-6,
    }
    if signed:
        return Int8ActPerTensorFloatMinMaxInit.let(min_val=-limit, max_val=limit, **settings)
    return Uint8ActPerTensorFloatMaxInit.let(max_val=limit, **settings)
