"""A network: a layer table unrolled into steps that say which tensor feeds which layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from quant.errors import Problem, UserError
from quant.networks.layers import Add, Layer, Residual, Shape

INPUT = "input"


@dataclass(frozen=True)
class Step:
    """One layer in execution order: its full name (``b1.conv1``), the steps it reads, and all shapes."""

    layer: Layer
    inputs: tuple[str, ...]
    in_shapes: tuple[Shape, ...]
    shape: Shape

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def macs(self) -> int:
        return self.layer.macs(self.in_shapes[0])

    @property
    def weights(self) -> int:
        return self.layer.weights(self.in_shapes[0])


@dataclass(frozen=True)
class Network:
    """A named layer table. ``input_shape`` has no batch dimension; the last layer gives one score per class.

    ``signed_input``: values on both sides of zero, with a learned scale; otherwise 0..1 in 255 steps.
    """

    name: str
    input_shape: Shape
    table: tuple[Layer | Residual, ...]
    signed_input: bool = False

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The table in execution order, residual blocks opened; raises UserError where shapes do not fit."""
        steps: list[Step] = []
        shapes = {INPUT: self.input_shape}

        def put(layer: Layer, *inputs: str) -> str:
            if layer.name in shapes:
                raise UserError(Problem(f"two layers are called '{layer.name}'", where=f"network '{self.name}'"))
            in_shapes = tuple(shapes[name] for name in inputs)
            shapes[layer.name] = layer.shape(*in_shapes)
            steps.append(Step(layer, inputs, in_shapes, shapes[layer.name]))
            return layer.name

        def run(rows: Sequence[Layer | Residual], source: str, prefix: str) -> str:
            for row in rows:
                if isinstance(row, Residual):
                    inner = f"{prefix}{row.name}."
                    body, shortcut = run(row.body, source, inner), run(row.shortcut, source, inner)
                    source = put(Add(f"{inner}add", row.activation), body, shortcut)
                else:
                    source = put(dataclasses.replace(row, name=prefix + row.name), source)
            return source

        run(self.table, INPUT, "")
        return tuple(steps)

    @property
    def output_shape(self) -> Shape:
        return self.steps[-1].shape

    @property
    def weights(self) -> int:
        """Multiplicative weights of all layers."""
        return sum(step.weights for step in self.steps)

    @property
    def trainable(self) -> int:
        """Weights, biases and batch-norm gains and offsets."""
        return sum(step.layer.trainable(step.in_shapes[0]) for step in self.steps)

    @property
    def parameters(self) -> int:
        """Trainable parameters and batch-norm running statistics."""
        return sum(step.layer.parameters(step.in_shapes[0]) for step in self.steps)

    @property
    def macs(self) -> int:
        """Table MACs of one inference (the convention is in :mod:`quant.networks.layers`)."""
        return sum(step.macs for step in self.steps)
