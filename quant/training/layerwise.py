"""The three forms of a trained network side by side on every layer: float, fake-quantized and integer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from brevitas.quant_tensor import IntQuantTensor
from numpy.typing import NDArray
from torch import Tensor

from quant.graph import Graph
from quant.lowering import Scale
from quant.networks.network import INPUT
from quant.reference import run
from quant.training.modules import FloatNetwork
from quant.training.quantized import QuantNetwork


@dataclass(frozen=True, eq=False)
class Batch:
    """Every layer's output (N, *shape) by name, for the same N inputs.

    Attributes:
        inputs: the integer network's input, int8 (N, *input_shape).
        floating: float32, after batch norm and activation.
        fake: float32 values with their scale.
        integer: the graph's stored integers, in each tensor's own NumPy type.
    """

    inputs: NDArray[np.int8]
    floating: Mapping[str, Tensor]
    fake: Mapping[str, IntQuantTensor]
    integer: Mapping[str, NDArray]


def batches(
    floating: FloatNetwork,
    quantized: QuantNetwork,
    graph: Graph,
    input_scale: Scale,
    x: NDArray[np.float32],
    chunk: int | None = None,
) -> Iterator[Batch]:
    """Evaluate network inputs ``x`` (N, *input_shape), ``chunk`` at a time: as many as fit the memory with all layers.

    Both torch networks are switched to evaluation mode.
    """
    floating.eval()
    quantized.eval()
    chunk = chunk or floating.at_once(250)
    for start in range(0, len(x), chunk):
        part = x[start : start + chunk]
        inputs, real = quantize(part, input_scale), torch.from_numpy(part)
        with torch.no_grad():
            values, fake = floating.values(real), quantized.values(real)
        yield Batch(inputs, values, fake, run(graph, {INPUT: inputs}))


def quantize(x: NDArray, scale: Scale) -> NDArray[np.int8]:
    """Real values to stored integers: clip(floor(x / step + 0.5)) in float64, minus 128 where unsigned."""
    low = -128 if scale.signed else 0
    q = np.clip(np.floor(x.astype(np.float64) / scale.step + 0.5), low, low + 255)
    return (q + scale.zero_point).astype(np.int8)
