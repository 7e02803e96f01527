"""Convolution over one or two spatial dimensions whose inputs and weights are bits that stand for +1 and -1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, exact_matmul, require, require_inputs
from quant.ops.binary import (
    Finish,
    binary_faults,
    finished,
    output_type,
    read_binary,
    read_signs,
    signs,
    write_binary,
)
from quant.ops.window import output_size, padded, taps

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class BinaryConv(Op):
    """sum = bias + the products over the window's taps inside the input; padding is worth 0, which no bit stands for.

    The sums are requantized to s8 or s16, compared to b1, or s32 as they are.

    Attributes:
        weight: bits ``(out, in, *kernel)``, 1 for +1 and 0 for -1.
        bias: int64 ``(out,)``, values in int32; 0 beside a threshold.
        strides, dilations: one value per spatial dimension.
        pads: begin of every spatial dimension, then end of every one (ONNX order).
    """

    kind = "binary_conv"
    roots = ("edgekit.BinaryConv",)

    weight: NDArray[np.bool_]
    bias: IntArray
    finish: Finish
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]

    @property
    def kernel(self) -> tuple[int, ...]:
        return self.weight.shape[2:]

    @property
    def weights(self) -> int:
        return self.weight.size

    def macs(self, *inputs: Tensor) -> int:
        return self.weight.size * prod(self.infer(*inputs)[0][1:])

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(2, 3), dtypes=(DType.B1,))
        channels, *spatial = inputs[0].shape
        require(
            self.weight.ndim == len(spatial) + 2 and self.weight.size > 0 and self.weight.shape[1] == channels,
            f"weight {self.weight.shape} does not fit an input of {channels} channels",
            f"rank {len(spatial) + 2}, {channels} input channels, no size 0",
        )
        size = output_size(self.kernel, self.strides, self.dilations, self.pads, spatial)
        return ((len(self.weight), *size), *output_type(self.finish))

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        return binary_faults(self.weight, self.bias, self.finish)

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        x = padded(signs(values[0]), self.pads, 0)
        out, *spatial = self.infer(*tensors)[0]
        acc = np.zeros((len(x), out, prod(spatial)), np.int64)
        weight = signs(self.weight).reshape(out, x.shape[1], -1)
        for tap, seen in enumerate(taps(x, self.kernel, self.strides, self.dilations, spatial)):
            acc += exact_matmul(weight[..., tap], seen.reshape(*seen.shape[:2], -1))
        return finished(acc.reshape(-1, out, *spatial) + self.bias.reshape(-1, *[1] * len(spatial)), self.finish)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        window = {
            "kernel_shape": self.kernel,
            "strides": self.strides,
            "dilations": self.dilations,
            "pads": self.pads,
        }
        broadcast = (-1, *[1] * len(self.kernel))
        write_binary(writer, self.roots[0], self.weight, self.bias, self.finish, inputs[0], output, broadcast, window)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("kernel_shape", "strides", "dilations", "pads")
        weight = read_signs(root)
        require(weight.ndim in (3, 4), f"weight has shape {weight.shape}", "rank 3 (1-D) or 4 (2-D)")
        rank = weight.ndim - 2
        bias, finish, match = read_binary(root, len(weight), rank)
        kernel = root.integers("kernel_shape", ())
        require(
            kernel == weight.shape[2:],
            f"attribute kernel_shape is {list(kernel)}, the weight's is {list(weight.shape[2:])}",
            f"{list(weight.shape[2:])}",
        )
        strides, dilations = root.integers("strides", (1,) * rank), root.integers("dilations", (1,) * rank)
        return match.of(cls(weight, bias, finish, strides, dilations, root.integers("pads", (0,) * 2 * rank)))
