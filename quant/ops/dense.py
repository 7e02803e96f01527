"""Fully connected layer on a flat tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, exact_matmul, require, require_inputs
from quant.ops.linear import linear_faults, read_linear, write_linear
from quant.requant import Requant

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """acc = sum (x - z_x) * w + bias, then requantization.

    Attributes:
        weight: int64 ``(out, in)``, values -127..127 (ONNX holds its transpose).
        bias: int64 ``(out,)``, values in int32.
    """

    kind = "dense"
    roots = ("MatMulInteger",)

    weight: IntArray
    bias: IntArray
    requant: Requant

    @property
    def weights(self) -> int:
        return self.weight.size

    def macs(self, *inputs: Tensor) -> int:
        return self.weight.size

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(1,))
        require(
            self.weight.ndim == 2 and self.weight.size > 0 and self.weight.shape[1] == inputs[0].shape[0],
            f"weight {self.weight.shape[::-1]} does not fit an input of {inputs[0].shape[0]} values",
        )
        return (len(self.weight),), self.requant.dtype, self.requant.zero_point

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        return linear_faults(self.weight, self.bias, self.requant, inputs[0])

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return self.requant.apply(exact_matmul(values[0] - tensors[0].zero_point, self.weight.T) + self.bias)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        write_linear(writer, "MatMulInteger", self.weight.T, self.bias, self.requant, inputs[0], output, (-1,), {})

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only()
        weight = root.constant(1, "weight", np.int8)
        require(weight.ndim == 2, f"weight has shape {weight.shape}", "rank 2 (in, out)")
        bias, requant, match = read_linear(root, weight.shape[1], 0)
        return match.of(cls(np.ascontiguousarray(weight.T), bias, requant))
