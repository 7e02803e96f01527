"""Any function of one int8 value, as a table of 256 bytes (ELU, tanh, sigmoid ...)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require_inputs
from quant.rounding import Rounding

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class Table(Op):
    """y = table[x + 128]. ``table``: int64 ``(256,)``, values -128..127; ``zero_point`` is the output's."""

    kind = "table"
    roots = ("edgekit.Table",)

    table: IntArray
    zero_point: int = 0

    @classmethod
    def of(
        cls,
        function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        x: tuple[float, int],
        y: tuple[float, int],
        rounding: Rounding = Rounding.HALF_UP,
        lo: int = -128,
        hi: int = 127,
    ) -> Table:
        """Tabulate a real function between (scale, zero point) of input and output."""
        steps = function((np.arange(-128, 128) - x[1]) * np.float64(x[0])) / y[0]
        rounded = np.floor(steps + 0.5) if rounding is Rounding.HALF_UP else np.rint(steps)
        return cls(np.clip(rounded + y[1], lo, hi).astype(np.int64), y[1])

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1)
        return inputs[0].shape, DType.S8, self.zero_point

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        if self.table.shape != (256,):
            yield Unsupported(f"the table has shape {self.table.shape}", "(256,)")
        if self.table.min(initial=0) < -128 or self.table.max(initial=0) > 127:
            yield Unsupported("a table entry is outside int8")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return self.table[values[0] + 128]

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        table = writer.constant(f"{output.name}.table", self.table.astype(np.int8))
        writer.node(self.roots[0], [inputs[0].name, table], output.name, zero_point=self.zero_point)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("zero_point")
        op = cls(root.constant(1, "table", np.int8), root.integer("zero_point", 0))
        return root.match(root.inputs[:1], [root]).of(op)
