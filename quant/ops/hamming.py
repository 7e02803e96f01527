"""Hamming distances from one vector of bits to the rows of a class memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant import bits
from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class Hamming(Op):
    """s32 ``(C,)``: per class, in how many of D bits its nearest row differs from the input.

    Inputs: bits ``(D,)``; the memory as bits ``(D, rows)`` unless it is constant; where ``counted``, s32 ``(C,)``, how
    many samples every class has seen. A class without samples is D + 1 away, so that it is never the nearest one.

    Attributes:
        memory: constant bits ``(D, rows)``; None: an input, for example a state. Rows of a class are neighbours.
        centroids: rows of each class.
        counted: whether the last input says how many samples a class has seen.
    """

    kind = "hamming"
    roots = ("edgekit.Hamming", "edgekit.HammingSeen")

    memory: NDArray[np.bool_] | None = None
    centroids: int = 1
    counted: bool = False

    @property
    def weights(self) -> int:
        return 0 if self.memory is None else self.memory.size

    def macs(self, *inputs: Tensor) -> int:
        """One per bit that is compared."""
        return int(np.prod(self._rows(inputs)))

    def _rows(self, inputs: Sequence[Tensor]) -> tuple[int, ...]:
        return inputs[1].shape if self.memory is None else self.memory.shape

    def infer(self, *inputs: Tensor) -> Type:
        count = 1 + (self.memory is None) + self.counted
        require(len(inputs) == count, f"it has {len(inputs)} inputs", f"{count}")
        for x in inputs[: 1 + (self.memory is None)]:
            require(x.dtype is DType.B1, f"input '{x.name}' has type {x.dtype.value}", "b1", "insert a Binarize")
        require(len(inputs[0].shape) == 1, f"input '{inputs[0].name}' has shape {inputs[0].shape}", "(D)", "bundle it")
        shape, length = self._rows(inputs), inputs[0].shape[0]
        fits = len(shape) == 2 and shape[0] == length and shape[1] > 0
        require(fits, f"a memory {shape} does not fit an input of {length} bits", f"({length}, rows)")
        require(
            self.centroids > 0 and shape[1] % self.centroids == 0,
            f"{shape[1]} rows are no multiple of {self.centroids} centroids per class",
            "the same number of rows for every class",
        )
        classes = shape[1] // self.centroids
        if self.counted:
            seen = inputs[-1]
            require(
                (seen.shape, seen.dtype) == ((classes,), DType.S32),
                f"input '{seen.name}', samples per class, is {seen.dtype.value} {seen.shape}",
                f"s32 ({classes},)",
            )
        return (classes,), DType.S32, 0

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        if self.memory is not None and not np.isin(self.memory, (0, 1)).all():
            yield Unsupported("the memory holds other values than bits", "0 and 1")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        x = values[0]
        if self.memory is not None:
            rows = bits.hamming(bits.pack64(x), bits.pack64(self.memory.T))
        else:
            rows = (x[:, :, None] != values[1]).sum(axis=1)
        distances = rows.reshape(len(x), -1, self.centroids).min(axis=2)
        return np.where(values[-1] > 0, distances, x.shape[1] + 1) if self.counted else distances

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        names = [x.name for x in inputs]
        if self.memory is not None:
            names.insert(1, writer.constant(f"{output.name}.memory", self.memory.astype(bool)))
        writer.node(self.roots[self.counted], names, output.name, centroids=self.centroids)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("centroids")
        counted = root.op_type == cls.roots[1]
        require(len(root.inputs) == 2 + counted, f"it has {len(root.inputs)} inputs", f"{2 + counted}")
        constant = root.model.is_constant(root.inputs[1])
        memory = root.constant(1, "memory", np.bool_).astype(bool) if constant else None
        names = root.inputs if memory is None else (root.inputs[0], *root.inputs[2:])
        return root.match(names, [root]).of(cls(memory, root.integer("centroids", 1), counted))
