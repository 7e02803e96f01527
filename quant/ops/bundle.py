"""Bundling: one hypervector of many, by majority or by parity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

ROOTS = {"majority": "edgekit.Majority", "xor": "edgekit.Parity"}


@dataclass(frozen=True)
class Bundle(Op):
    """Bits ``(D,)`` of bits ``(D, B)``, channel by channel over the B positions.

    Attributes:
        mode: ``majority``: 1 where more than floor(B / 2) bits are 1, so that a tie of an even B gives 0; ``xor``: 1
            where their number is odd.
    """

    kind = "bundle"
    roots = tuple(ROOTS.values())

    mode: Literal["majority", "xor"] = "majority"

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(2,), dtypes=(DType.B1,))
        return inputs[0].shape[:1], DType.B1, 0

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        if self.mode not in ROOTS:
            yield Unsupported(f"mode '{self.mode}' does not exist", ", ".join(ROOTS))

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        ones = values[0].sum(axis=2)
        return ones % 2 if self.mode == "xor" else (ones > values[0].shape[2] // 2).astype(ones.dtype)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        writer.node(ROOTS[self.mode], [inputs[0].name], output.name)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only()
        return root.match(root.inputs, [root]).of(cls("xor" if root.op_type == ROOTS["xor"] else "majority"))
