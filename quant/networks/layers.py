"""The vocabulary of layer tables: one small frozen dataclass per row of a paper's table.

Every layer knows its output shape, its parameters and its multiply-accumulates, without any training framework.
Shapes carry no batch dimension: ``(C, L)``, ``(C, H, W)`` or ``(F,)``.

MAC convention: one per weight use per output element, zero padding counted as work; batch norm, activations, pooling
and residual additions count nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from quant.errors import Problem, UserError

Shape = tuple[int, ...]
Axes = int | tuple[int, ...]
Pads = tuple[int, int] | tuple[tuple[int, int], ...]
Activation = Literal["none", "relu"]
Initial = Literal["torch", "glorot", "he"]


@dataclass(frozen=True)
class BatchNorm:
    """Settings of a batch norm; ``momentum`` is the weight of the new batch (Keras writes one minus it)."""

    eps: float = 1e-5
    momentum: float = 0.1


@dataclass(frozen=True)
class Layer:
    """What every row answers; the defaults fit layers without parameters.

    ``inputs`` is the number of tensors a layer takes, ``affine`` whether it multiplies by weights.
    """

    name: str
    inputs: ClassVar[int] = 1
    affine: ClassVar[bool] = False

    def shape(self, *shapes: Shape) -> Shape:
        """Output shape for the input shapes; raises UserError when they do not fit."""
        return shapes[0]

    def weights(self, shape: Shape) -> int:
        """Number of multiplicative weights for an input of ``shape``."""
        return 0

    def trainable(self, shape: Shape) -> int:
        """Weights, biases and batch-norm gains and offsets."""
        return self.weights(shape)

    def parameters(self, shape: Shape) -> int:
        """Trainable parameters and batch-norm running statistics."""
        return self.trainable(shape)

    def macs(self, shape: Shape) -> int:
        """Multiply-accumulates of one inference on an input of ``shape``."""
        return 0

    def refuse(self, what: str, fix: str = "") -> UserError:
        return UserError(Problem(what, where=f"layer '{self.name}'", fix=fix))


@dataclass(frozen=True)
class Window(Layer):
    """What convolution and pooling share: a window sliding over one or two axes.

    ``kernel``, ``stride`` and ``dilation`` are one number for all axes or one per axis; ``pads`` is (before, after)
    for all axes, or one such pair per axis.
    """

    kernel: Axes = 1
    stride: Axes = 1
    dilation: Axes = 1
    pads: Pads = (0, 0)

    def geometry(self, rank: int) -> tuple[Shape, Shape, Shape, tuple[tuple[int, int], ...]]:
        """Kernel, stride, dilation and pads, each with one entry per spatial axis."""
        pads = self.pads if isinstance(self.pads[0], tuple) else (self.pads,) * rank
        parts = tuple((v,) * rank if isinstance(v, int) else v for v in (self.kernel, self.stride, self.dilation))
        if any(len(part) != rank for part in (*parts, pads)):
            raise self.refuse(f"kernel, stride, dilation and pads do not fit an input with {rank} spatial axes")
        return parts[0], parts[1], parts[2], pads  # type: ignore[return-value]

    def spatial(self, shape: Shape) -> Shape:
        """Spatial output size for an input of ``shape`` (channels first)."""
        if len(shape) not in (2, 3):
            raise self.refuse(f"needs an input (C, L) or (C, H, W), not {shape}")
        rows = zip(shape[1:], *self.geometry(len(shape) - 1), strict=True)
        sizes = tuple((n + p[0] + p[1] - d * (k - 1) - 1) // s + 1 for n, k, s, d, p in rows)
        if min(sizes) < 1:
            raise self.refuse(f"the window is larger than the padded input {shape}")
        return sizes


@dataclass(frozen=True)
class Conv(Window):
    """Convolution -> optional batch norm -> activation; ``groups`` equal to the input channels makes it depthwise.

    ``max_norm`` bounds the Euclidean norm of every filter in float training; ``initial`` names how weights start.
    """

    channels: int = 1
    groups: int = 1
    bias: bool = False
    bn: BatchNorm | None = None
    activation: Activation = "none"
    max_norm: float | None = None
    initial: Initial = "torch"
    affine: ClassVar[bool] = True

    def shape(self, *shapes: Shape) -> Shape:
        if shapes[0][0] % self.groups or self.channels % self.groups:
            raise self.refuse(f"{self.groups} groups do not divide {shapes[0][0]} -> {self.channels} channels")
        return (self.channels, *self.spatial(shapes[0]))

    def weights(self, shape: Shape) -> int:
        taps = math.prod(self.geometry(len(shape) - 1)[0])
        return self.channels * (shape[0] // self.groups) * taps

    def trainable(self, shape: Shape) -> int:
        return self.weights(shape) + self.channels * (self.bias + 2 * (self.bn is not None))

    def parameters(self, shape: Shape) -> int:
        return self.trainable(shape) + 2 * self.channels * (self.bn is not None)

    def macs(self, shape: Shape) -> int:
        return self.weights(shape) * math.prod(self.spatial(shape))


@dataclass(frozen=True)
class Dense(Layer):
    """Fully connected layer on a flat input; ``max_norm`` and ``initial`` as in :class:`Conv`."""

    features: int = 1
    bias: bool = False
    activation: Activation = "none"
    max_norm: float | None = None
    initial: Initial = "torch"
    affine: ClassVar[bool] = True

    def shape(self, *shapes: Shape) -> Shape:
        if len(shapes[0]) != 1:
            raise self.refuse(f"needs a flat input, not {shapes[0]}", fix="put a Flatten before it")
        return (self.features,)

    def weights(self, shape: Shape) -> int:
        return self.features * shape[0]

    def trainable(self, shape: Shape) -> int:
        return self.weights(shape) + self.features * self.bias

    def macs(self, shape: Shape) -> int:
        return self.weights(shape)


@dataclass(frozen=True)
class Pool(Window):
    """Average or maximum over windows (partial windows at the end are dropped)."""

    kind: Literal["average", "max"] = "average"

    def shape(self, *shapes: Shape) -> Shape:
        if self.dilation != 1 or self.pads != (0, 0):
            raise self.refuse("pooling takes no pads and no dilation")
        return (shapes[0][0], *self.spatial(shapes[0]))


@dataclass(frozen=True)
class Flatten(Layer):
    """All elements in channel-major order."""

    def shape(self, *shapes: Shape) -> Shape:
        return (math.prod(shapes[0]),)


@dataclass(frozen=True)
class Elu(Layer):
    """x, or e^x - 1 where x is negative; a table of 256 bytes in the integer network."""


@dataclass(frozen=True)
class Reshape(Layer):
    """The same elements in channel-major order in another shape."""

    to: Shape = ()

    def shape(self, *shapes: Shape) -> Shape:
        if math.prod(self.to) != math.prod(shapes[0]):
            raise self.refuse(f"{shapes[0]} cannot become {self.to}")
        return self.to


@dataclass(frozen=True)
class LastStep(Layer):
    """The last time step of every channel: (C, ..., T) -> (C * ...,)."""

    def shape(self, *shapes: Shape) -> Shape:
        return (math.prod(shapes[0][:-1]),)


@dataclass(frozen=True)
class Dropout(Layer):
    """Zeroes with probability ``p`` during training, nothing afterwards.

    ``kind``: single elements, whole channels, or whole time steps (last axis).
    """

    p: float = 0.5
    kind: Literal["element", "channel", "time"] = "element"


@dataclass(frozen=True)
class Add(Layer):
    """Sum of two tensors of one shape -> activation."""

    activation: Activation = "none"
    inputs: ClassVar[int] = 2

    def shape(self, *shapes: Shape) -> Shape:
        if shapes[0] != shapes[1]:
            raise self.refuse(f"cannot add {shapes[0]} and {shapes[1]}", fix="give the shortcut a 1x1 convolution")
        return shapes[0]


@dataclass(frozen=True)
class Residual:
    """``activation(body(x) + shortcut(x))``; an empty shortcut is the identity."""

    name: str
    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()
    activation: Activation = "none"
