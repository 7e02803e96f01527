"""Operators that change one class of a memory: accumulate, count, erase.

A class memory has shape (D, C): a row of D values for each of C classes. ``label`` says which class is meant; a label
outside of 0..C-1 changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

COUNTERS = (DType.S16, DType.S32)


def require_memory(memory: Tensor, label: Tensor, rank: int, dtypes: Sequence[DType]) -> None:
    """Checks on a memory of ``rank`` 1, (C), or 2, (D, C), and on a label."""
    shapes = {1: "(C)", 2: "(D, C)"}
    require(
        len(memory.shape) == rank, f"the memory '{memory.name}' has shape {memory.shape}", f"{shapes[rank]}: C classes"
    )
    require(
        memory.dtype in dtypes,
        f"the memory '{memory.name}' has type {memory.dtype.value}",
        ", ".join(dtype.value for dtype in dtypes),
    )
    require(
        label.shape == (1,) and label.dtype is DType.S32 and label.zero_point == 0,
        f"the label '{label.name}' is {label.dtype.value} {label.shape} with zero point {label.zero_point}",
        "s32 (1,) with zero point 0",
    )


def require_count(inputs: Sequence[Tensor], names: str) -> None:
    """As many inputs as ``names`` lists."""
    count = len(names.split(", "))
    require(len(inputs) == count, f"it has {len(inputs)} inputs", f"{count}: {names}")


def marked(label: IntArray, memory: Tensor) -> NDArray[np.bool_]:
    """Which class each label (N, 1) means, broadcastable to (N, *memory.shape)."""
    columns = (len(label), *(1,) * (len(memory.shape) - 1), memory.shape[-1])
    return (label == np.arange(memory.shape[-1])).reshape(columns)


@dataclass(frozen=True)
class Accumulate(Op):
    """memory (D, C), value (D,), label (1,) -> memory, to whose class ``label`` the value is added, clipped to lo..hi.

    Attributes:
        lo, hi: where counters stop; inside the memory's type.
        bipolar: the value holds bits that count as -1 and 1; otherwise int8 less its zero point.
    """

    kind = "accumulate"
    roots = ("edgekit.Accumulate", "edgekit.AccumulateBits")
    keeps_scale = True

    lo: int
    hi: int
    bipolar: bool

    @classmethod
    def of(cls, memory: DType, value: DType) -> Accumulate:
        """For tensors of these types, with their whole range."""
        return cls(memory.low, memory.high, value is DType.B1)

    def infer(self, *inputs: Tensor) -> Type:
        require_count(inputs, "memory, value, label")
        memory, value, label = inputs
        require_memory(memory, label, 2, COUNTERS)
        wanted = DType.B1 if self.bipolar else DType.S8
        require(
            value.shape == memory.shape[:1] and value.dtype is wanted,
            f"the value '{value.name}' is {value.dtype.value} {value.shape}",
            f"{wanted.value} {memory.shape[:1]}",
        )
        return memory.shape, memory.dtype, memory.zero_point

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        dtype = inputs[0].dtype
        if not dtype.low <= self.lo <= self.hi <= dtype.high:
            yield Unsupported(f"its limits are {self.lo}..{self.hi}", f"inside {dtype.low}..{dtype.high}")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        memory, value, label = values
        step = 2 * value - 1 if self.bipolar else value - tensors[1].zero_point
        return np.where(marked(label, tensors[0]), np.clip(memory + step[..., None], self.lo, self.hi), memory)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        names, limits = [x.name for x in inputs], {"lo": self.lo, "hi": self.hi}
        if self.bipolar:
            writer.node("edgekit.AccumulateBits", names, output.name, **limits)
        else:
            writer.node("edgekit.Accumulate", names, output.name, zero_point=inputs[1].zero_point, **limits)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        bipolar = root.op_type == "edgekit.AccumulateBits"
        root.only("lo", "hi", *([] if bipolar else ["zero_point"]))
        require(len(root.inputs) == 3, f"it has {len(root.inputs)} inputs", "3: memory, value, label")
        if not bipolar:
            root.expect_zero_point(1, root.integer("zero_point", 0))
        lo, hi = (root.integer(name, 0) for name in ("lo", "hi"))
        return root.match(root.inputs, [root]).of(cls(lo, hi, bipolar))


@dataclass(frozen=True)
class Count(Op):
    """memory (C,), label (1,) -> memory, with one more for class ``label``; it stops at ``hi``."""

    kind = "count"
    roots = ("edgekit.Count",)
    keeps_scale = True

    hi: int

    def infer(self, *inputs: Tensor) -> Type:
        require_count(inputs, "memory, label")
        memory, label = inputs
        require_memory(memory, label, 1, COUNTERS)
        return memory.shape, memory.dtype, memory.zero_point

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        dtype = inputs[0].dtype
        if not dtype.low <= self.hi <= dtype.high:
            yield Unsupported(f"its limit is {self.hi}", f"inside {dtype.low}..{dtype.high}")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        memory, label = values
        return np.where(marked(label, tensors[0]), np.minimum(memory + 1, self.hi), memory)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        writer.node("edgekit.Count", [x.name for x in inputs], output.name, hi=self.hi)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("hi")
        require(len(root.inputs) == 2, f"it has {len(root.inputs)} inputs", "2: memory, label")
        return root.match(root.inputs, [root]).of(cls(root.integer("hi", 0)))


@dataclass(frozen=True)
class Erase(Op):
    """memory (D, C) or (C,), label (1,) -> memory, whose class ``label`` holds zeros (its zero point) again."""

    kind = "erase"
    roots = ("edgekit.Erase",)
    keeps_scale = True

    def infer(self, *inputs: Tensor) -> Type:
        require_count(inputs, "memory, label")
        memory, label = inputs
        rank = 1 if len(memory.shape) == 1 else 2
        require_memory(memory, label, rank, COUNTERS if rank == 1 else (*COUNTERS, DType.B1))
        return memory.shape, memory.dtype, memory.zero_point

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        memory, label = values
        return np.where(marked(label, tensors[0]), tensors[0].zero_point, memory)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        writer.node("edgekit.Erase", [x.name for x in inputs], output.name, zero_point=inputs[0].zero_point)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("zero_point")
        require(len(root.inputs) == 2, f"it has {len(root.inputs)} inputs", "2: memory, label")
        root.expect_zero_point(0, root.integer("zero_point", 0))
        return root.match(root.inputs, [root]).of(cls())
