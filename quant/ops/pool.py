"""Average and maximum pooling; global pooling is a window as large as the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs
from quant.ops.window import output_size, padded, taps
from quant.requant import Requant

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True)
class Window(Op):
    """A pooling window: kernel and strides per spatial dimension, pads in ONNX order."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]

    def _out(self, x: Tensor) -> tuple[int, ...]:
        ones = (1,) * len(self.kernel)
        size = output_size(self.kernel, self.strides, ones, self.pads, x.shape[1:])
        rank = len(self.kernel)
        overhang = any(max(self.pads[i], self.pads[rank + i]) >= k for i, k in enumerate(self.kernel))
        require(
            not overhang,
            f"attribute pads {list(self.pads)} leaves windows without any element",
            "pads smaller than the kernel",
        )
        return x.shape[0], *size

    def _attributes(self) -> dict[str, tuple[int, ...]]:
        return {"kernel_shape": self.kernel, "strides": self.strides, "pads": self.pads}

    @staticmethod
    def _read_window(root: NodeView) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        kernel = root.integers("kernel_shape", ())
        require(len(kernel) in (1, 2), f"attribute kernel_shape is {list(kernel)}", "1 or 2 values")
        rank = len(kernel)
        return kernel, root.integers("strides", (1,) * rank), root.integers("pads", (0,) * 2 * rank)


@dataclass(frozen=True, eq=False)
class AveragePool(Window):
    """acc = sum of (x - z_x) over the window, requantized with 1/N inside ``m``; padding counts as zero."""

    kind = "average_pool"
    roots = ("edgekit.SumPool",)

    requant: Requant

    @classmethod
    def from_scales(
        cls,
        kernel: tuple[int, ...],
        strides: tuple[int, ...],
        pads: tuple[int, ...],
        ratio: float,
        *,
        zero_point: int,
        lo: int = -128,
        hi: int = 127,
    ) -> AveragePool:
        """``ratio``: input scale / output scale; the window's 1/N is added here."""
        return cls(kernel, strides, pads, Requant.from_real(ratio / prod(kernel), zero_point=zero_point, lo=lo, hi=hi))

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(2, 3))
        return self._out(inputs[0]), self.requant.dtype, self.requant.zero_point

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        x = inputs[0]
        reach = max(x.dtype.high - x.zero_point, x.zero_point - x.dtype.low)
        if self.requant.channels is not None:
            yield Unsupported("requantization is per channel", "one factor for the tensor")
            return
        for fault in self.requant.faults():
            yield Unsupported(fault)
        overflow = self.requant.overflow(reach * prod(self.kernel))
        if overflow:
            yield Unsupported(overflow, fix="pool in two steps")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        out = self._out(tensors[0])[1:]
        x = padded(values[0] - tensors[0].zero_point, self.pads, 0)
        ones = (1,) * len(out)
        acc = np.zeros((*x.shape[:2], *out), np.int64)
        for seen in taps(x, self.kernel, self.strides, ones, out):
            acc += seen
        return self.requant.apply(acc)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        channels = inputs[0].shape[0]
        ones = writer.constant(f"{output.name}.ones", np.ones((channels, 1, *self.kernel), np.int8))
        zero_point = writer.constant(f"{output.name}.x_zero_point", np.int8(inputs[0].zero_point))
        writer.node(
            self.roots[0],
            [inputs[0].name, ones, zero_point],
            f"{output.name}.acc",
            **self._attributes(),
            group=channels,
        )
        writer.requant(self.requant, f"{output.name}.acc", output.name, ())

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("kernel_shape", "strides", "pads", "group")
        window = cls._read_window(root)
        ones = root.constant(1, "ones", np.int8)
        require(bool(np.all(ones == 1)), "its input 'ones' holds other values", "ones: it only sums")
        expected = (root.integer("group", 1), 1, *window[0])
        require(ones.shape == expected, f"its input 'ones' has shape {ones.shape}", f"(group, 1, *kernel) = {expected}")
        root.expect_zero_point(0, root.scalar(2, "x_zero_point", np.int8))
        requant, last = root.follow_requant()
        return root.match(root.inputs[:1], [root, last]).of(cls(*window, requant))


@dataclass(frozen=True)
class MaxPool(Window):
    """Maximum over the elements inside the window; padding never wins."""

    kind = "max_pool"
    roots = ("MaxPool",)
    keeps_scale = True

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(2, 3))
        return self._out(inputs[0]), inputs[0].dtype, inputs[0].zero_point

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        out = self._out(tensors[0])[1:]
        low = tensors[0].dtype.low
        best = np.full((*values[0].shape[:2], *out), low, np.int64)
        for seen in taps(padded(values[0], self.pads, low), self.kernel, self.strides, (1,) * len(out), out):
            np.maximum(best, seen, out=best)
        return best

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        writer.node("MaxPool", [inputs[0].name], output.name, **self._attributes())

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("kernel_shape", "strides", "pads", auto_pad="NOTSET", ceil_mode=0, storage_order=0, dilations=1)
        return root.match(root.inputs[:1], [root]).of(cls(*cls._read_window(root)))
