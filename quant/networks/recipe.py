"""How a network is trained and quantized: plain data, so that it can be written next to the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Balance = Literal["none", "weights", "resample"]


@dataclass(frozen=True)
class Recipe:
    """Training settings.

    Attributes:
        batch: beats per step.
        epochs, learning_rate: float training with Adam; the rate falls to zero along a cosine.
        qat_epochs, qat_learning_rate: the same for the quantization-aware fine-tuning (at most 30 epochs).
        balance: ``none``; ``weights`` weighs each class's loss by its inverse frequency; ``resample`` draws classes
            with equal probability.
    """

    batch: int = 30
    epochs: int = 30
    learning_rate: float = 1e-3
    qat_epochs: int = 20
    qat_learning_rate: float = 3e-4
    balance: Balance = "none"


@dataclass(frozen=True)
class Preset:
    """A quantization scheme: bits per weight, and whether all scales are powers of two. Activations have 8 bits."""

    name: str
    description: str
    weight_bits: int = 8
    power_of_two: bool = False


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("int8", "8-bit weights per output channel, 8-bit activations"),
        Preset("w7a8", "7-bit weights per output channel, 8-bit activations (as published for ECG-TCN)", weight_bits=7),
        Preset("int8-pot", "8-bit weights and activations, every scale a power of two", power_of_two=True),
    )
}
