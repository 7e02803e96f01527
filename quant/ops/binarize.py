"""Thresholds: numbers to bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, eq=False)
class Binarize(Op):
    """bit = [x >= threshold], s8, s16 or s32 in.

    Attributes:
        threshold: int64, one for the tensor ``()`` or one per channel ``(C,)``, values in int32; compared with what
            is stored, zero point included. ``Binarize(x.zero_point)`` is the sign.
    """

    kind = "binarize"
    roots = ("edgekit.Binarize",)

    threshold: IntArray

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, dtypes=(DType.S8, DType.S16, DType.S32))
        shape = np.shape(self.threshold)
        channels = inputs[0].shape[0]
        require(shape in ((), (channels,)), f"threshold has shape {shape}", f"one value, or ({channels},)")
        return inputs[0].shape, DType.B1, 0

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        if np.min(self.threshold) < INT32.min or np.max(self.threshold) > INT32.max:
            yield Unsupported("a threshold is outside int32")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return (values[0] >= self._broadcast(values[0].ndim - 1)).astype(np.int64)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        threshold = self._broadcast(len(inputs[0].shape)).astype(np.int32)
        writer.node(
            self.roots[0], [inputs[0].name, writer.constant(f"{output.name}.threshold", threshold)], output.name
        )

    def _broadcast(self, rank: int) -> IntArray:
        """For tensors ``(..., C, *spatial)`` of ``rank`` axes without batch."""
        threshold = np.asarray(self.threshold)
        return threshold.reshape(-1, *[1] * (rank - 1)) if threshold.ndim else threshold

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only()
        require(len(root.inputs) == 2, f"it has {len(root.inputs)} inputs", "x, threshold")
        threshold = root.constant(1, "threshold", np.int32)
        if threshold.ndim:
            spatial = root.rank(0) - 2
            threshold = root.along_channels(threshold, "threshold", len(threshold), spatial)
        return root.match(root.inputs[:1], [root]).of(cls(threshold))
