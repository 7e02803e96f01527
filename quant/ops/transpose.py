"""Axes in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs
from quant.ops.movement import ANY

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True)
class Transpose(Op):
    """Axis i of the output is axis ``perm[i]`` of the input; 0 = channels, there is no batch."""

    kind = "transpose"
    roots = ("Transpose",)
    keeps_scale = True

    perm: tuple[int, ...]

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, dtypes=ANY)
        x = inputs[0]
        axes = list(range(len(x.shape)))
        found = [axis + 1 for axis in self.perm]
        require(sorted(self.perm) == axes, f"attribute perm is {found}", f"{[a + 1 for a in axes]} in any order")
        return tuple(x.shape[axis] for axis in self.perm), x.dtype, x.zero_point

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return values[0].transpose(0, *(axis + 1 for axis in self.perm))

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        writer.node("Transpose", [inputs[0].name], output.name, perm=[0, *(axis + 1 for axis in self.perm)])

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("perm")
        perm = root.integers("perm", tuple(range(root.rank(0)))[::-1])
        require(perm[:1] == (0,), f"attribute perm is {list(perm)}, it moves the batch", "0 first")
        return root.match(root.inputs[:1], [root]).of(cls(tuple(axis - 1 for axis in perm[1:])))
