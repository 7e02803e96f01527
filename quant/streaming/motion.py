"""How an operator moves along time: which input positions an output position reads.

Time is the last axis of a tensor with two or three dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops import Add, AveragePool, Concat, Conv, MaxPool, Op, Pad, Requantize, Reshape, Slice, Table


@dataclass(frozen=True)
class Motion:
    """Output position p reads the input positions from ``p * stride + offset`` on, ``width`` of them."""

    stride: int = 1
    offset: int = 0
    width: int = 1

    def reads(self, start: int, stop: int) -> tuple[int, int]:
        """First input position, and the one behind the last, that outputs ``start`` to ``stop - 1`` read."""
        return start * self.stride + self.offset, (stop - 1) * self.stride + self.offset + self.width


def motion(op: Op, inputs: Sequence[Tensor], output: Tensor) -> Motion | None:
    """How ``op`` moves along time; None where time ends: it takes the whole tensor.

    Raises:
        Unsupported: it joins tensors along time.
    """
    rank = len(inputs[0].shape)
    if isinstance(op, Conv):
        return Motion(op.strides[-1], -op.pads[rank - 2], (op.kernel[-1] - 1) * op.dilations[-1] + 1)
    if isinstance(op, AveragePool | MaxPool):
        return Motion(op.strides[-1], -op.pads[rank - 2], op.kernel[-1])
    if isinstance(op, Slice):
        start, _, step = op.bounds(inputs[0].shape)[-1]
        return Motion(step, start)
    if isinstance(op, Pad):
        return Motion(offset=-op.pads[rank - 1])
    if isinstance(op, Concat):
        if op.axis == rank - 1:
            raise Unsupported("it joins tensors along time", "along channels or rows")
        return Motion()
    if isinstance(op, Reshape):
        keeps = len(output.shape) > 1 and inputs[0].shape[-1] == output.shape[-1]
        return Motion() if keeps else None
    return Motion() if isinstance(op, Table | Requantize | Add) else None


def piece(op: Op, before: int, behind: int, shape: tuple[int, ...]) -> Op:
    """``op`` for a stretch of time with so many positions of padding before and behind it.

    ``shape``: of the stretch that a reshape makes.
    """
    if isinstance(op, Conv | AveragePool | MaxPool):
        return replace(op, pads=_last(op.pads, before, behind))
    if isinstance(op, Pad):
        return replace(op, pads=_last(op.pads, before, behind))
    if isinstance(op, Slice):
        return replace(op, ranges=(*op.ranges[:-1], (0, (1 << 31) - 1, op.ranges[-1][2])))
    return Reshape(shape) if isinstance(op, Reshape) else op


def _last(pads: tuple[int, ...], before: int, behind: int) -> tuple[int, ...]:
    """Pads of all axes, begins first, with those of the last axis replaced."""
    half = len(pads) // 2
    return (*pads[: half - 1], before, *pads[half:-1], behind)
