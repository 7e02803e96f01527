"""Change of scale, zero point or type of one tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs
from quant.requant import Requant

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class Requantize(Op):
    """y = requant(x - z_x), one factor for the tensor; s8, s16 or s32 in, s8 or s16 out."""

    kind = "requantize"
    roots = ("Cast",)

    requant: Requant

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, dtypes=(DType.S8, DType.S16, DType.S32))
        require(self.requant.channels is None, "requantization is per channel", "one factor for the tensor")
        return inputs[0].shape, self.requant.dtype, self.requant.zero_point

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        x = inputs[0]
        for fault in self.requant.faults():
            yield Unsupported(fault)
        if x.dtype is DType.S32 and x.zero_point:
            yield Unsupported(f"input '{x.name}' is s32 with zero point {x.zero_point}", "zero point 0 for s32")
            return
        reach = max(x.dtype.high - x.zero_point, x.zero_point - x.dtype.low)
        overflow = self.requant.overflow(reach, limit=(1 << 31) + 1)  # -2^31 itself still fits int32
        if overflow:
            yield Unsupported(overflow, fix="use a multiplier with a shorter mantissa")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return self.requant.apply(values[0] - tensors[0].zero_point)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        zero_point = writer.constant(f"{output.name}.x_zero_point", np.int32(inputs[0].zero_point))
        writer.node("Cast", [inputs[0].name], f"{output.name}.wide", to=6)
        writer.node("Sub", [f"{output.name}.wide", zero_point], f"{output.name}.acc")
        writer.requant(self.requant, f"{output.name}.acc", output.name, ())

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only(to=6)
        sub = root.follow("Sub")
        nodes = [root]
        if sub is not None:
            require(sub.inputs[:1] == (root.output,), "Sub subtracts it from a constant", "Sub(x, x_zero_point)")
            nodes.append(sub)
        root.expect_zero_point(0, 0 if sub is None else sub.scalar(1, "x_zero_point", np.int32))
        requant, last = nodes[-1].follow_requant()
        return root.match(root.inputs[:1], [*nodes, last]).of(cls(requant))
