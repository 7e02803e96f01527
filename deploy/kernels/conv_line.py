"""Convolution along a line of one channel with SMLAD (Armv7E-M): temporal filters, depthwise ones of signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.conv import conv_fields
from deploy.kernels.conv_dsp import pack_words
from deploy.kernels.packing import hwc, records, two
from quant.ops import Conv

OUTPUTS = 6  # EK_LINE_OUTPUTS of line.h


def pack_lines(weight: NDArray[np.int64]) -> NDArray[np.int64]:
    """Per output and step a word of taps for outputs at even columns, then one for odd columns.

    Args:
        weight: (outputs, taps).
    """
    taps = weight.shape[1]
    steps = taps // 2 + 1
    padded = np.pad(weight, ((0, 0), (1, 2 * steps - taps)))
    odd = pack_words(padded[:, 0 : 2 * steps : 2], padded[:, 1 : 2 * steps : 2])
    even = pack_words(padded[:, 1 : 2 * steps : 2], padded[:, 2 : 2 * steps + 1 : 2])
    return np.stack([even, odd], axis=-1).ravel()


class SmladLine(Kernel):
    """``ek_conv_line_smlad``: six outputs per block, three of each alignment."""

    name = "conv_line_smlad"
    op = Conv
    isa = "dsp"
    header = "armv7em/line.h"
    mnemonics = ("smlad",)

    def unsupported(self, site: Site) -> str | None:
        op = cast(Conv, site.op)
        if op.weight.shape[1] != 1:
            return "it takes one input channel per group"
        rows = two(op.kernel, 1)[0], two(op.pads[: len(op.kernel)], 0)[0], two(op.pads[len(op.kernel) :], 0)[0]
        if rows != (1, 0, 0):
            return "it takes one row of taps"
        return "its taps and outputs are neighbours" if {*op.strides, two(op.dilations, 1)[1]} != {1} else None

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Conv, site.op)
        arrays = (
            Array("weight", "uint32_t", pack_lines(op.weight.reshape(len(op.weight), -1)), weight=True),
            Array("channel", "int32_t", records(op.requant, op.bias)),
        )
        geometry = ("ek_conv_geometry", conv_fields(site))
        return [Call("ek_conv_line_smlad", geometry, arrays=arrays, scratch=self.scratch(site))]

    def scratch(self, site: Site) -> int:
        """One row with its padding as int16 values."""
        last = max(0, (hwc(site.output)[1] - OUTPUTS + 1) // 2 * 2)
        return 2 * (last + 2 * self._steps(site) + 4)

    def cycles(self, site: Site) -> float:
        op, (height, width, channels) = cast(Conv, site.op), hwc(site.output)
        copied = (2.5 if hwc(site.inputs[0])[2] == 1 else 5.0) * op.groups * (width + two(op.kernel, 1)[1])
        return height * (channels * self._blocks(width) * (75.0 + 10.5 * self._steps(site)) + copied)

    def executed_macs(self, site: Site) -> int:
        height, width, channels = hwc(site.output)
        return 2 * OUTPUTS * self._steps(site) * self._blocks(width) * height * channels

    @staticmethod
    def _steps(site: Site) -> int:
        return two(cast(Conv, site.op).kernel, 1)[1] // 2 + 1

    @staticmethod
    def _blocks(width: int) -> int:
        return -(-(max(0, (width - OUTPUTS + 1) // 2 * 2) + OUTPUTS) // OUTPUTS)

    def inplace(self, site: Site) -> tuple[int, ...]:
        """The one input row is copied before the first output is written, unless another group still reads it."""
        heights = hwc(site.inputs[0])[0], hwc(site.output)[0]
        return (0,) if heights == (1, 1) and cast(Conv, site.op).groups == 1 else ()
