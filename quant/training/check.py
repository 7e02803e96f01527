"""The promise checked: the trained network in float64 rounds to the integers of the graph, on every layer.

The network is evaluated layer by layer with the frozen float32 scales, all arithmetic in float64 and independent of
the graph's: real inputs, real weights, real biases, division by the output's scale, floor(x + 0.5). Its own rounded
outputs feed the next layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from quant.lowering import Scale
from quant.networks.layers import Add, Conv, Dense, Dropout, Elu, Flatten, LastStep, Pool, Reshape
from quant.networks.network import INPUT, Step
from quant.training.freeze import Frozen, integers
from quant.training.layerwise import Batch, quantize

NEAR = 2.0**-20  # how near a tie, in output steps, the two evaluations may round differently
CONV = {1: F.conv1d, 2: F.conv2d}
POOL: dict[tuple[str, int], Callable[..., Tensor]] = {
    ("average", 1): F.avg_pool1d,
    ("average", 2): F.avg_pool2d,
    ("max", 1): F.max_pool1d,
    ("max", 2): F.max_pool2d,
}


@dataclass
class LayerCheck:
    """Counts over all inputs: values compared, values that differ, values and differences near a tie.

    ``float32_different`` counts where Brevitas' own float32 evaluation differs: expected in about 1e-5 of the values.
    """

    name: str
    values: int = 0
    different: int = 0
    near_tie: int = 0
    different_near_tie: int = 0
    float32_different: int = 0

    @property
    def unexplained(self) -> int:
        """Differences that no tie explains; anything but 0 is a defect."""
        return self.different - self.different_near_tie


class Check:
    """The record of every layer that computes, in order, over the batches added."""

    def __init__(self, frozen: Frozen) -> None:
        self.frozen = frozen
        self.layers = {name: LayerCheck(name) for name in frozen.layers}

    def add(self, batch: Batch) -> None:
        """Count one more batch."""
        for name, q, exact in evaluate(self.frozen, batch.inputs):
            record, expected = self.layers[name], batch.integer[name]
            different = q != expected
            near = np.abs(exact + 0.5 - np.round(exact + 0.5)) < NEAR
            rough = integers(batch.fake[name]) + self.frozen.layers[name].output.zero_point
            record.values += q.size
            record.different += int(different.sum())
            record.near_tie += int(near.sum())
            record.different_near_tie += int((different & near).sum())
            record.float32_different += int((rough != expected).sum())


@torch.no_grad()
def evaluate(frozen: Frozen, inputs: NDArray[np.int8]) -> Iterator[tuple[str, NDArray[np.int8], NDArray[np.float64]]]:
    """Per layer that computes: name, stored integers, and the exact value in output steps before rounding."""
    scales = {INPUT: frozen.input}
    stored = torch.from_numpy(inputs.astype(np.float64))
    values = {INPUT: (stored - frozen.input.zero_point) * frozen.input.step}
    for step in frozen.network.steps:
        sources = [values[name] for name in step.inputs]
        trained = frozen.layers.get(step.name)
        if trained is None:
            values[step.name], scales[step.name] = _move(step, sources[0]), scales[step.inputs[0]]
            continue
        scale = scales[step.name] = trained.output
        exact = _compute(step, sources, frozen, scales).numpy() / scale.step
        q = quantize(exact, Scale(1.0, scale.signed))
        values[step.name] = torch.from_numpy((q.astype(np.float64) - scale.zero_point) * scale.step)
        yield step.name, q, exact


def _move(step: Step, x: Tensor) -> Tensor:
    if isinstance(step.layer, Flatten | Reshape):
        return x.reshape(-1, *step.shape)
    if isinstance(step.layer, LastStep):
        return x[..., -1].flatten(1)
    if isinstance(step.layer, Pool):
        return _pool(step.layer, x)
    assert isinstance(step.layer, Dropout)
    return x


def _pool(layer: Pool, x: Tensor) -> Tensor:
    kernel, strides, _, _ = layer.geometry(x.ndim - 2)
    return POOL[layer.kind, x.ndim - 2](x, kernel, strides)


def _compute(step: Step, sources: list[Tensor], frozen: Frozen, scales: dict[str, Scale]) -> Tensor:
    layer, x, trained = step.layer, sources[0], frozen.layers[step.name]
    if isinstance(layer, Pool):
        return _pool(layer, x)
    if isinstance(layer, Add):
        return sources[0] + sources[1]
    if isinstance(layer, Elu):
        return F.elu(x)
    assert isinstance(layer, Conv | Dense) and trained.weight is not None and trained.weight_steps is not None
    steps = torch.from_numpy(trained.weight_steps.astype(np.float64))
    weight = torch.from_numpy(trained.weight.astype(np.float64)) * steps.reshape(-1, *[1] * (trained.weight.ndim - 1))
    bias = None
    if trained.bias is not None:
        bias = torch.from_numpy(trained.bias.astype(np.float64)) * steps * scales[step.inputs[0]].step
    if isinstance(layer, Dense):
        return F.linear(x, weight, bias)
    _, strides, dilations, pads = layer.geometry(x.ndim - 2)
    padded = F.pad(x, [n for pair in reversed(pads) for n in pair])
    return CONV[x.ndim - 2](padded, weight, bias, strides, 0, dilations, layer.groups)
