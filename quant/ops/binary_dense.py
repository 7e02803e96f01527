"""Fully connected layer whose inputs and weights are bits that stand for +1 and -1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class BinaryDense(Op):
    """sum = n - 2 popcount(x xor w) + bias over n inputs; requantized to s8 or s16, compared to b1, or s32 as it is.

    Attributes:
        weight: bits ``(out, in)``, 1 for +1 and 0 for -1.
        bias: int64 ``(out,)``, values in int32; 0 beside a threshold.
    """

    kind = "binary_dense"
    roots = ("edgekit.BinaryMatMul",)

    weight: NDArray[np.bool_]
    bias: IntArray
    finish: Finish = None

    @property
    def weights(self) -> int:
        return self.weight.size

    def macs(self, *inputs: Tensor) -> int:
        return self.weight.size

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(1,), dtypes=(DType.B1,))
        require(
            self.weight.ndim == 2 and self.weight.size > 0 and self.weight.shape[1] == inputs[0].shape[0],
            f"weight {self.weight.shape[::-1]} does not fit an input of {inputs[0].shape[0]} bits",
        )
        return ((len(self.weight),), *output_type(self.finish))

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        return binary_faults(self.weight, self.bias, self.finish)

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return finished(exact_matmul(signs(values[0]), signs(self.weight).T) + self.bias, self.finish)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        write_binary(writer, self.roots[0], self.weight.T, self.bias, self.finish, inputs[0], output, (-1,), {})

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only()
        weight = read_signs(root)
        require(weight.ndim == 2, f"weight has shape {weight.shape}", "rank 2 (in, out)")
        bias, finish, match = read_binary(root, weight.shape[1], 0)
        return match.of(cls(np.ascontiguousarray(weight.T), bias, finish))
