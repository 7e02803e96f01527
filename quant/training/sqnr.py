"""How far apart the three forms of a trained network are on every layer: signal-to-quantization-noise ratios.

SQNR = 10 * log10(sum(ref^2) / sum((ref - x)^2)) in dB, summed over all inputs and all values of a layer's output.

Float is the trained float network before fine-tuning, batch norm counted with its convolution. Fine-tuning moves the
weights, so the ratios against float hold what fine-tuning changed as well as what rounding and clipping cost;
fake-quantized against integer is arithmetic alone: float32 rounds a few values near ties to the other side.
Every form feeds its own layers: a layer's noise includes what the layers before it passed on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quant.training.freeze import Frozen
from quant.training.layerwise import Batch

SMALLEST = float(np.finfo(np.float64).tiny)  # stands for the signal of a reference that is zero throughout


@dataclass
class Ratio:
    """Energies, added up in float64, of a reference and of what differs from it."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, reference: NDArray[np.float32], x: NDArray[np.float32]) -> None:
        """Count more values; both arrays have the same shape."""
        self.signal += energy(reference)
        self.noise += energy(np.subtract(reference, x, dtype=np.float64))

    @property
    def db(self) -> float | None:
        """10 * log10(signal / noise); None where all values are equal."""
        return 10 * (log10(max(self.signal, SMALLEST)) - log10(self.noise)) if self.noise else None


def energy(x: NDArray) -> float:
    """Sum of squares in float64; not a dot product, whose last bits depend on the number of cores."""
    return float(np.square(x, dtype=np.float64).sum())


@dataclass
class LayerNoise:
    """One layer's ratios; the reference is named first."""

    name: str
    float_fake: Ratio = field(default_factory=Ratio)
    float_integer: Ratio = field(default_factory=Ratio)
    fake_integer: Ratio = field(default_factory=Ratio)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "float_fake_db": self.float_fake.db,
            "float_integer_db": self.float_integer.db,
            "fake_integer_db": self.fake_integer.db,
        }


class Noise:
    """The ratios of every layer that computes, in order, over the batches added."""

    def __init__(self, frozen: Frozen) -> None:
        self.frozen = frozen
        self.layers = [LayerNoise(name) for name in frozen.layers]

    def add(self, batch: Batch) -> None:
        """Count one more batch; stored integers stand for (q - zero_point) * scale."""
        for layer in self.layers:
            scale = self.frozen.layers[layer.name].output
            floating, fake = batch.floating[layer.name].numpy(), batch.fake[layer.name].value.numpy()
            # In float32, as Brevitas multiplies: equal integers must not differ in the last bit.
            integer = (batch.integer[layer.name].astype(np.float32) - scale.zero_point) * np.float32(scale.step)
            layer.float_fake.add(floating, fake)
            layer.float_integer.add(floating, integer)
            layer.fake_integer.add(fake, integer)
