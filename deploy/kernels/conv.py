"""Convolution, portable: any stride, dilation, padding and grouping; depthwise on its own."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.packing import records, requant_fields, two, window_fields
from quant.ops import Conv


def conv_fields(site: Site) -> dict[str, int]:
    """Fields of ``ek_conv_geometry``."""
    op, x = cast(Conv, site.op), site.inputs[0]
    window = window_fields(x, site.output, op.kernel, op.strides, op.pads, op.dilations)
    return {**window, **requant_fields(op.requant), "groups": op.groups, "in_zero": x.zero_point}


def kernel_2d(op: Conv) -> NDArray[np.int64]:
    """Weights as (out, in / groups, kernel height, kernel width)."""
    return op.weight.reshape(*op.weight.shape[:2], *two(op.kernel, 1))


def taps_inside(site: Site) -> int:
    """Taps inside the input, summed over all output positions: what remains when padding is skipped."""
    op, x, y = cast(Conv, site.op), site.inputs[0], site.output
    counts = []
    for axis, (size, out) in enumerate(zip(x.shape[1:], y.shape[1:], strict=True)):
        taps = np.arange(op.kernel[axis]) * op.dilations[axis]
        seen = np.arange(out)[:, None] * op.strides[axis] - op.pads[axis] + taps
        counts.append(int(((seen >= 0) & (seen < size)).sum()))
    return prod(counts)


class PortableConv(Kernel):
    """``ek_conv``: int8 weights in [output][kernel row][tap][channel] order."""

    name = "conv"
    op = Conv
    header = "conv.h"

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Conv, site.op)
        return [self._call(site, "ek_conv", np.moveaxis(op.weight, 1, -1))]

    def scratch(self, site: Site) -> int:
        return 0

    @staticmethod
    def _call(site: Site, function: str, weight: NDArray[np.int64]) -> Call:
        op = cast(Conv, site.op)
        arrays = (
            Array("weight", "int8_t", weight.ravel(), weight=True),
            Array("channel", "int32_t", records(op.requant, op.bias)),
        )
        return Call(function, ("ek_conv_geometry", conv_fields(site)), arrays=arrays)

    def cycles(self, site: Site) -> float:
        channels = cast(Conv, site.op).weight.shape[1]
        return (5.0 + 6.0 / channels) * self.executed_macs(site) + 30.0 * site.output.elements

    def executed_macs(self, site: Site) -> int:
        op = cast(Conv, site.op)
        return op.weight.shape[0] * op.weight.shape[1] * taps_inside(site)


class PortableDepthwise(PortableConv):
    """``ek_depthwise``: one input channel per output, weights in [kernel row][tap][output] order."""

    name = "depthwise"
    header = "depthwise.h"

    def unsupported(self, site: Site) -> str | None:
        return None if cast(Conv, site.op).weight.shape[1] == 1 else "it takes one input channel per group"

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Conv, site.op)
        return [self._call(site, "ek_depthwise", np.moveaxis(op.weight[:, 0], 0, -1))]

    def cycles(self, site: Site) -> float:
        return 9.0 * self.executed_macs(site) + 30.0 * site.output.elements
