"""From quantized layers, described by integers and scales, to the integer graph.

Export from training and import of QCDQ files both come through here, so that equal scales give equal graphs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quant.graph import Graph, GraphBuilder
from quant.ops import Add, AveragePool, Conv, Dense, MaxPool, Op, Requantize, Reshape, Slice, Table
from quant.requant import Requant
from quant.unary import Function


@dataclass(frozen=True)
class Scale:
    """How a tensor is quantized: ``step`` (a float32 value) per integer; 0..255, or -128..127 where ``signed``.

    The graph stores 0..255 as -128..127, so that its zero point is -128 lower. ``zero`` is the zero point among the
    quantizer's own integers, ``lo`` and ``hi`` bound the stored ones.
    """

    step: float
    signed: bool = False
    zero: int = 0
    lo: int = -128
    hi: int = 127

    @property
    def zero_point(self) -> int:
        """The zero point of the stored integers."""
        return self.zero if self.signed else self.zero - 128


class Lowering:
    """Adds layers to a :class:`GraphBuilder`; each method returns the name of the output tensor.

    Quotients of scales are taken in float64. ReLU needs no operator: it is the lower clip of an unsigned output.
    """

    def __init__(self, name: str, info: Mapping[str, Any] | None = None) -> None:
        self.builder = GraphBuilder(name, info)
        self.scales: dict[str, Scale] = {}

    def input(self, name: str, shape: Sequence[int], scale: Scale) -> str:
        self.scales[name] = scale
        return self.builder.input(name, shape, zero_point=scale.zero_point, scale=scale.step)

    def conv(
        self,
        name: str,
        x: str,
        weight: NDArray,
        weight_steps: ArrayLike,
        bias: NDArray | None,
        output: Scale,
        *,
        strides: Sequence[int],
        dilations: Sequence[int],
        pads: Sequence[int],
        groups: int = 1,
    ) -> str:
        """``weight`` (out, in / groups, *kernel), ``weight_steps`` (out,) or one, ``bias`` (out,) at s_in * s_w.

        ``pads``: begin of every spatial axis, then end of every one. Integers as trained, float32 scales.
        """
        op = Conv(
            weight.astype(np.int64),
            self._bias(bias, len(weight)),
            self._requant(x, weight_steps, output),
            tuple(strides),
            tuple(dilations),
            tuple(pads),
            groups,
        )
        return self.add_op(name, op, output, x)

    def dense(
        self, name: str, x: str, weight: NDArray, weight_steps: ArrayLike, bias: NDArray | None, output: Scale
    ) -> str:
        """``weight`` (out, in), otherwise as :meth:`conv`."""
        op = Dense(weight.astype(np.int64), self._bias(bias, len(weight)), self._requant(x, weight_steps, output))
        return self.add_op(name, op, output, x)

    def add(self, name: str, x: str, y: str, output: Scale) -> str:
        first, second = ((self.scales[tensor].step, self.scales[tensor].zero_point) for tensor in (x, y))
        op = Add.from_scales(first, second, (output.step, output.zero_point), output.lo, output.hi)
        return self.add_op(name, op, output, x, y)

    def average_pool(
        self, name: str, x: str, output: Scale, *, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int]
    ) -> str:
        ratio = self.scales[x].step / output.step
        window = (tuple(kernel), tuple(strides), tuple(pads))
        op = AveragePool.from_scales(*window, ratio, zero_point=output.zero_point, lo=output.lo, hi=output.hi)
        return self.add_op(name, op, output, x)

    def max_pool(self, name: str, x: str, *, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int]) -> str:
        return self.add_op(name, MaxPool(tuple(kernel), tuple(strides), tuple(pads)), self.scales[x], x)

    def requantize(self, name: str, x: str, output: Scale) -> str:
        factor = self.scales[x].step / output.step
        requant = Requant.from_real(factor, zero_point=output.zero_point, lo=output.lo, hi=output.hi)
        return self.add_op(name, Requantize(requant), output, x)

    def reshape(self, name: str, x: str, shape: Sequence[int]) -> str:
        return self.add_op(name, Reshape(tuple(shape)), self.scales[x], x)

    def last_step(self, name: str, x: str, shape: Sequence[int]) -> str:
        """The last element along the last axis of ``x`` of that ``shape``, flat."""
        ranges = tuple((0, size, 1) for size in shape[:-1])
        last = self.add_op(f"{name}.slice", Slice((*ranges, (shape[-1] - 1, shape[-1], 1))), self.scales[x], x)
        return self.reshape(name, last, (-1,))

    def table(self, name: str, x: str, function: Function, output: Scale) -> str:
        """A real function of one element, tabulated."""
        scale = self.scales[x]
        pair = (scale.step, scale.zero_point), (output.step, output.zero_point)
        return self.add_op(name, Table.of(function, *pair, lo=output.lo, hi=output.hi), output, x)

    def finish(self, *outputs: str) -> Graph:
        """The checked graph; raises UserError with every problem found."""
        for name in outputs:
            self.builder.output(name)
        return self.builder.build()

    def add_op(self, name: str, op: Op, output: Scale, *inputs: str) -> str:
        """Any other operator, whose result has the scale ``output``."""
        self.scales[name] = output
        return self.builder.add(name, op, *inputs, scale=output.step)

    def _requant(self, x: str, weight_steps: ArrayLike, output: Scale) -> Requant:
        steps = np.asarray(weight_steps, np.float64)
        factors = self.scales[x].step * steps / output.step
        return Requant.from_real(factors, zero_point=output.zero_point, lo=output.lo, hi=output.hi)

    @staticmethod
    def _bias(bias: NDArray | None, channels: int) -> NDArray[np.int64]:
        return np.zeros(channels, np.int64) if bias is None else bias.astype(np.int64)
