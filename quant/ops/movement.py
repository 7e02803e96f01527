"""Operators that only move data: reshape, concat, slice, pad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from quant.dtypes import DType
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

ANY = (DType.S8, DType.S16, DType.S32)
LONG = (1 << 63) - 1  # ONNX's "to the end" in Slice


@dataclass(frozen=True)
class Reshape(Op):
    """Same elements in logical (row-major, channel first) order under another ``shape``."""

    kind = "reshape"
    roots = ("Reshape", "Flatten")
    keeps_scale = True

    shape: tuple[int, ...]

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, dtypes=ANY)
        x = inputs[0]
        known = prod(d for d in self.shape if d != -1)
        free = self.shape.count(-1)
        require(
            1 <= len(self.shape) <= 3 and free <= 1 and min(self.shape) >= -1 and known > 0 and x.elements % known == 0,
            f"shape {list(self.shape)} does not fit an input of {x.elements} elements",
            "1 to 3 dimensions without batch, at most one of them -1",
        )
        shape = tuple(x.elements // known if d == -1 else d for d in self.shape)
        require(prod(shape) == x.elements, f"shape {list(shape)} has {prod(shape)} elements, the input {x.elements}")
        return shape, x.dtype, x.zero_point

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return values[0].reshape(len(values[0]), *self.infer(*tensors)[0])

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        shape = writer.constant(f"{output.name}.shape", np.array([writer.batch, *output.shape], np.int64))
        writer.node("Reshape", [inputs[0].name, shape], output.name)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        if root.op_type == "Flatten":
            root.only(axis=1)
            return root.match(root.inputs[:1], [root]).of(cls((-1,)))
        root.only(allowzero=0)
        shape = root.vector(1, "shape")
        require(
            len(shape) >= 2 and shape[0] in (1, -1, 0), f"shape {list(shape)} changes the batch dimension", "[1, ...]"
        )
        require(0 not in shape[1:], f"shape {list(shape)} copies dimensions with 0", "explicit sizes")
        return root.match(root.inputs[:1], [root]).of(cls(shape[1:]))


@dataclass(frozen=True)
class Concat(Op):
    """Inputs of equal scale and zero point one after the other along ``axis`` (0 = channels)."""

    kind = "concat"
    roots = ("Concat",)
    keeps_scale = True

    axis: int = 0

    def infer(self, *inputs: Tensor) -> Type:
        require(len(inputs) >= 1, "it has no inputs")
        require_inputs(inputs, len(inputs), dtypes=ANY)
        first = inputs[0]
        require(0 <= self.axis < len(first.shape), f"attribute axis is {self.axis + 1}", f"1..{len(first.shape)}")
        for x in inputs[1:]:
            same = (
                x.shape[: self.axis] == first.shape[: self.axis]
                and x.shape[self.axis + 1 :] == first.shape[self.axis + 1 :]
            )
            require(
                len(x.shape) == len(first.shape) and same,
                f"inputs have shapes {first.shape} and {x.shape}",
                "equal but for the axis",
            )
            require(
                (x.dtype, x.zero_point, x.scale) == (first.dtype, first.zero_point, first.scale),
                f"inputs '{first.name}' and '{x.name}' differ in type, scale or zero point",
                "equal quantization",
                "requantize one of them before the concat",
            )
        size = sum(x.shape[self.axis] for x in inputs)
        return (*first.shape[: self.axis], size, *first.shape[self.axis + 1 :]), first.dtype, first.zero_point

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return np.concatenate(values, axis=self.axis + 1)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        writer.node("Concat", [x.name for x in inputs], output.name, axis=self.axis + 1)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("axis")
        axis = root.integer("axis", 1)
        require(axis != 0, "attribute axis is 0, the batch", "axis >= 1, or negative from the end")
        if axis < 0:
            axis += root.rank(0)
        return root.match(root.inputs, [root]).of(cls(axis - 1))


@dataclass(frozen=True)
class Slice(Op):
    """Elements ``start, start + step ...`` below ``stop``; ``ranges`` holds (start, stop, step) per axis."""

    kind = "slice"
    roots = ("Slice",)
    keeps_scale = True

    ranges: tuple[tuple[int, int, int], ...]

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, dtypes=ANY)
        x = inputs[0]
        require(len(self.ranges) == len(x.shape), f"it slices {len(self.ranges)} axes", f"{len(x.shape)}")
        steps = [step for _, _, step in self.ranges]
        require(min(steps) > 0, f"steps are {steps}", "steps >= 1")
        shape = tuple(len(range(*self._bounds(r, n))) for r, n in zip(self.ranges, x.shape, strict=True))
        require(min(shape) > 0, f"the slice {list(self.ranges)} of {x.shape} is empty")
        return shape, x.dtype, x.zero_point

    @staticmethod
    def _bounds(axis: tuple[int, int, int], size: int) -> tuple[int, int, int]:
        return slice(*axis).indices(size)

    def bounds(self, shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
        """Non-negative (start, stop, step) per axis of an input of ``shape``."""
        return [self._bounds(axis, size) for axis, size in zip(self.ranges, shape, strict=True)]

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return values[0][(slice(None), *(slice(*r) for r in self.bounds(tensors[0].shape)))]

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        columns = zip(*self.bounds(inputs[0].shape), strict=True)
        starts, stops, steps = (np.array(column, np.int64) for column in columns)
        axes = np.arange(1, len(starts) + 1, dtype=np.int64)
        operands = zip(("starts", "ends", "axes", "steps"), (starts, stops, axes, steps), strict=True)
        names = [writer.constant(f"{output.name}.{label}", array) for label, array in operands]
        writer.node("Slice", [inputs[0].name, *names], output.name)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only()
        rank = root.rank(0) - 1
        starts, stops = root.vector(1, "starts"), root.vector(2, "ends")
        axes = root.vector(3, "axes") if root.has(3) else tuple(range(len(starts)))
        steps = root.vector(4, "steps") if root.has(4) else (1,) * len(starts)
        lengths = [len(starts), len(stops), len(axes), len(steps)]
        require(len(set(lengths)) == 1, f"starts, ends, axes and steps have {lengths} values", "equal numbers")
        ranges: dict[int, tuple[int, int, int]] = {}
        for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
            positive = axis + rank + 1 if axis < 0 else axis
            require(1 <= positive <= rank and positive not in ranges, f"axes is {list(axes)}", f"1..{rank}, each once")
            ranges[positive] = (start, stop, step)
        everything = (0, LONG, 1)
        return root.match(root.inputs[:1], [root]).of(cls(tuple(ranges.get(i + 1, everything) for i in range(rank))))


@dataclass(frozen=True)
class Pad(Op):
    """Zero points around the tensor; ``pads`` per axis, begins first, then ends."""

    kind = "pad"
    roots = ("Pad",)
    keeps_scale = True

    pads: tuple[int, ...]

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1)
        x = inputs[0]
        rank = len(x.shape)
        require(
            len(self.pads) == 2 * rank and min(self.pads) >= 0, f"pads is {list(self.pads)}", f"{2 * rank} values >= 0"
        )
        shape = tuple(n + self.pads[i] + self.pads[rank + i] for i, n in enumerate(x.shape))
        return shape, x.dtype, x.zero_point

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        rank = len(tensors[0].shape)
        widths = [(0, 0), *((self.pads[i], self.pads[rank + i]) for i in range(rank))]
        return np.pad(values[0], widths, constant_values=tensors[0].zero_point)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        rank = len(inputs[0].shape)
        pads = np.array([0, *self.pads[:rank], 0, *self.pads[rank:]], np.int64)
        value = writer.constant(f"{output.name}.value", np.int8(inputs[0].zero_point))
        writer.node(
            "Pad", [inputs[0].name, writer.constant(f"{output.name}.pads", pads), value], output.name, mode="constant"
        )

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only(mode="constant")
        pads = root.vector(1, "pads")
        rank = len(pads) // 2
        require(not root.has(3), "it has an axes input", "pads for every axis")
        require(rank >= 2 and len(pads) % 2 == 0, f"pads has {len(pads)} values", "begin and end of every axis")
        require(pads[0] == pads[rank] == 0, f"pads {list(pads)} pad the batch", "0 for the batch")
        root.expect_zero_point(0, root.scalar(2, "value", np.int8) if root.has(2) else 0)
        return root.match(root.inputs[:1], [root]).of(cls((*pads[1:rank], *pads[rank + 1 :])))
