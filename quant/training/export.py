"""A trained network as the integer graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quant.graph import Graph
from quant.lowering import Lowering
from quant.networks.layers import Add, Conv, Dense, Dropout, Elu, Flatten, LastStep, Pool, Reshape
from quant.networks.network import INPUT, Step
from quant.training.freeze import Frozen
from quant.unary import elu


def to_graph(frozen: Frozen, info: Mapping[str, Any] | None = None) -> Graph:
    """Every layer under its own name; dropout vanishes. ``info`` travels with the model.

    Raises:
        UserError: a weight, scale or accumulator that the integer arithmetic cannot hold.
    """
    lowering = Lowering(frozen.network.name, info)
    tensors = {INPUT: lowering.input(INPUT, frozen.network.input_shape, frozen.input)}
    for step in frozen.network.steps:
        sources = [tensors[name] for name in step.inputs]
        tensors[step.name] = sources[0] if isinstance(step.layer, Dropout) else _lower(lowering, step, sources, frozen)
    return lowering.finish(tensors[frozen.network.steps[-1].name])


def _lower(lowering: Lowering, step: Step, sources: list[str], frozen: Frozen) -> str:
    layer, trained = step.layer, frozen.layers.get(step.name)
    if isinstance(layer, Flatten | Reshape):
        return lowering.reshape(step.name, sources[0], step.shape)
    if isinstance(layer, LastStep):
        return lowering.last_step(step.name, sources[0], step.in_shapes[0])
    if isinstance(layer, Elu):
        assert trained is not None
        return lowering.table(step.name, sources[0], elu(), trained.output)
    if isinstance(layer, Pool):
        kernel, strides, _, pads = layer.geometry(len(step.shape) - 1)
        window = {"kernel": kernel, "strides": strides, "pads": onnx_pads(pads)}
        if layer.kind == "max":
            return lowering.max_pool(step.name, sources[0], **window)
        assert trained is not None
        return lowering.average_pool(step.name, sources[0], trained.output, **window)
    assert trained is not None
    if isinstance(layer, Add):
        return lowering.add(step.name, sources[0], sources[1], trained.output)
    assert isinstance(layer, Conv | Dense) and trained.weight is not None and trained.weight_steps is not None
    weights = (trained.weight, trained.weight_steps, trained.bias, trained.output)
    if isinstance(layer, Dense):
        return lowering.dense(step.name, sources[0], *weights)
    _, strides, dilations, pads = layer.geometry(len(step.shape) - 1)
    return lowering.conv(
        step.name,
        sources[0],
        *weights,
        strides=strides,
        dilations=dilations,
        pads=onnx_pads(pads),
        groups=layer.groups,
    )


def onnx_pads(pads: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """(before, after) per axis -> all begins, then all ends."""
    return (*(before for before, _ in pads), *(after for _, after in pads))
