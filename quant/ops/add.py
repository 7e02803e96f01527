"""Sum of two tensors that may have different scales."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs
from quant.requant import LIMIT, Requant, fixed_point

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

INTS = ("m1", "m2", "a", "s")


@dataclass(frozen=True)
class Add(Op):
    """y = clip(z + ((x1*m1 + x2*m2 + a) >> s), lo, hi); the inputs' zero points are folded into ``a``."""

    kind = "add"
    roots = ("edgekit.RequantAdd",)

    m1: int
    m2: int
    a: int
    s: int
    zero_point: int
    lo: int = -128
    hi: int = 127

    @classmethod
    def from_scales(
        cls,
        first: tuple[float, int],
        second: tuple[float, int],
        output: tuple[float, int],
        lo: int = -128,
        hi: int = 127,
    ) -> Add:
        """From (scale, zero point) of both inputs and the output; both factors share the larger one's shift."""
        factors = [scale / output[0] for scale, _ in (first, second)]
        s = min(fixed_point(factor)[1] for factor in factors)
        m1, m2 = (round(factor * 2.0**s) for factor in factors)
        a = (1 << (s - 1)) - first[1] * m1 - second[1] * m2
        return cls(m1, m2, a, s, output[1], lo, hi)

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 2)
        first, second = (tensor.shape for tensor in inputs)
        require(first == second, f"inputs have shapes {first} and {second}", "equal shapes, no broadcasting")
        return first, DType.S8, self.zero_point

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        for name in ("m1", "m2"):
            if not -(2**31) <= getattr(self, name) < 2**31:
                yield Unsupported(f"{name} is outside int32")
        for fault in self._tail().faults():
            yield Unsupported(fault)
        if 128 * (abs(self.m1) + abs(self.m2)) + abs(self.a) >= LIMIT:
            yield Unsupported("x1*m1 + x2*m2 + a can reach beyond 2^62")

    def _tail(self) -> Requant:
        return Requant.of(1, self.s, a=self.a, zero_point=self.zero_point, lo=self.lo, hi=self.hi)

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return self._tail().apply(values[0] * self.m1 + values[1] * self.m2)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        factors = [writer.constant(f"{output.name}.{name}", np.int64(getattr(self, name))) for name in INTS]
        operands = [*(x.name for x in inputs), *factors]
        writer.node(self.roots[0], operands, output.name, zero_point=self.zero_point, lo=self.lo, hi=self.hi)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("zero_point", "lo", "hi", to=3)
        require(len(root.inputs) == 6, f"it has {len(root.inputs)} inputs", "x1, x2, m1, m2, a, s")
        m1, m2, a, s = (root.scalar(2 + i, name, np.int64) for i, name in enumerate(INTS))
        op = cls(m1, m2, a, s, root.integer("zero_point", 0), root.integer("lo", -128), root.integer("hi", 127))
        return root.match(root.inputs[:2], [root]).of(op)
