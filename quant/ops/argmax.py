"""Index of the largest value along an axis, and what it has in common with that of the smallest one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from quant.dtypes import DType
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True)
class Extreme(Op):
    """s32 index along ``axis`` (0 = channels), which keeps size 1; ties go to the lowest index.

    Attributes:
        dtypes: types that it compares.
    """

    dtypes: ClassVar[tuple[DType, ...]]

    axis: int = 0

    @staticmethod
    @abstractmethod
    def index(values: IntArray, axis: int) -> IntArray:
        """Where along ``axis``, which keeps size 1, the value lies."""

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, dtypes=self.dtypes)
        shape = inputs[0].shape
        require(0 <= self.axis < len(shape), f"attribute axis is {self.axis + 1}", f"1..{len(shape)}")
        return (*shape[: self.axis], 1, *shape[self.axis + 1 :]), DType.S32, 0

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return self.index(values[0], self.axis + 1)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        attributes = {"axis": self.axis + 1, "keepdims": 1, "select_last_index": 0}
        writer.node(self.roots[0], [inputs[0].name], f"{output.name}.index", **attributes)
        writer.node("Cast", [f"{output.name}.index"], output.name, to=6)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        op = cls.from_attributes(root)
        cast = root.follow("Cast")
        require(cast is not None, "its int64 output is used directly", "Cast to int32 behind it")
        assert cast is not None
        cast.only(to=6)
        return root.match(root.inputs[:1], [root, cast]).of(op)

    @classmethod
    def from_attributes(cls, root: NodeView) -> Self:
        """The operator that an ONNX node describes."""
        root.only("axis", keepdims=1, select_last_index=0)
        axis = root.integer("axis", 0)
        require(axis != 0, "attribute axis is 0, the batch", "axis >= 1, or negative from the end")
        return cls((axis + root.rank(0) if axis < 0 else axis) - 1)


class ArgMax(Extreme):
    """s32 index of the largest int8 value along ``axis``."""

    kind = "argmax"
    roots = ("ArgMax",)
    dtypes = (DType.S8,)

    @staticmethod
    def index(values: IntArray, axis: int) -> IntArray:
        return np.argmax(values, axis=axis, keepdims=True)
