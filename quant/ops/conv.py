"""Convolution over one or two spatial dimensions: stride, dilation, groups (depthwise included), any padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, exact_matmul, require, require_inputs
from quant.ops.linear import linear_faults, read_linear, write_linear
from quant.ops.window import output_size, padded, taps
from quant.requant import Requant

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class Conv(Op):
    """acc = sum (x - z_x) * w + bias over the window, then requantization. Padding holds z_x, so it adds nothing.

    Attributes:
        weight: int64 ``(out, in / groups, *kernel)``, values -127..127.
        bias: int64 ``(out,)`` at scale s_in * s_w, values in int32.
        strides, dilations: one value per spatial dimension.
        pads: begin of every spatial dimension, then end of every one (ONNX order).
    """

    kind = "conv"
    roots = ("ConvInteger",)

    weight: IntArray
    bias: IntArray
    requant: Requant
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    groups: int = 1

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.weight.shape[2:]

    @property
    def depthwise(self) -> bool:
        """One input channel per group."""
        return self.groups > 1 and self.weight.shape[1] == 1

    @property
    def weights(self) -> int:
        return self.weight.size

    def macs(self, *inputs: Tensor) -> int:
        return self.weight.size * prod(self.infer(*inputs)[0][1:])

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(2, 3))
        channels, *spatial = inputs[0].shape
        require(
            self.weight.ndim == len(spatial) + 2 and self.weight.size > 0,
            f"weight has shape {self.weight.shape}",
            f"rank {len(spatial) + 2} for this input, no size 0",
        )
        out, per_group = self.weight.shape[:2]
        require(
            self.groups >= 1 and channels == per_group * self.groups and out % self.groups == 0,
            f"attribute group is {self.groups} with {channels} input channels and weight {self.weight.shape}",
            "input channels = weight.shape[1] * group, output channels divisible by group",
        )
        size = output_size(self.kernel, self.strides, self.dilations, self.pads, spatial)
        return (out, *size), self.requant.dtype, self.requant.zero_point

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        return linear_faults(self.weight.reshape(len(self.weight), -1), self.bias, self.requant, inputs[0])

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        x = padded(values[0] - tensors[0].zero_point, self.pads, 0)
        shape = self.infer(*tensors)[0]
        n, groups = len(x), self.groups
        acc = np.zeros((n, groups, shape[0] // groups, prod(shape[1:])), np.int64)
        weight = self.weight.reshape(groups, shape[0] // groups, self.weight.shape[1], -1)
        for tap, seen in enumerate(taps(x, self.kernel, self.strides, self.dilations, shape[1:])):
            acc += exact_matmul(weight[..., tap], seen.reshape(n, groups, self.weight.shape[1], acc.shape[-1]))
        return self.requant.apply(acc.reshape(n, *shape) + self.bias.reshape(-1, *[1] * len(shape[1:])))

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        attributes = {
            "kernel_shape": self.kernel,
            "strides": self.strides,
            "dilations": self.dilations,
            "pads": self.pads,
            "group": self.groups,
        }
        broadcast = (-1, *[1] * len(self.kernel))
        write_linear(
            writer, "ConvInteger", self.weight, self.bias, self.requant, inputs[0], output, broadcast, attributes
        )

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("kernel_shape", "strides", "dilations", "pads", "group", auto_pad="NOTSET")
        weight = root.constant(1, "weight", np.int8)
        require(weight.ndim in (3, 4), f"weight has shape {weight.shape}", "rank 3 (1-D) or 4 (2-D)")
        rank = weight.ndim - 2
        bias, requant, match = read_linear(root, len(weight), rank)
        kernel = root.integers("kernel_shape", weight.shape[2:])
        require(
            kernel == weight.shape[2:],
            f"attribute kernel_shape is {list(kernel)}, the weight's is {list(weight.shape[2:])}",
            f"{list(weight.shape[2:])}, or no attribute",
        )
        op = cls(
            weight,
            bias,
            requant,
            root.integers("strides", (1,) * rank),
            root.integers("dilations", (1,) * rank),
            root.integers("pads", (0,) * 2 * rank),
            root.integer("group", 1),
        )
        return match.of(op)
