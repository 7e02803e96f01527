"""Convolution with SMLAD (Armv7E-M): weights as int16 pairs in the order in which the loops read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.conv import conv_fields, kernel_2d
from deploy.kernels.packing import hwc, records, two
from quant.ops import Conv

POSITIONS = 3  # output positions of a block
BURST = 12  # EK_BURST of mac_block.h
EDGE = 4  # EK_EDGE of conv.h


def pair_order(channels: int) -> list[tuple[int, int]]:
    """Channels that share a word of an expanded column; an odd last channel is not among them."""
    full = channels // 4 * 4
    pairs = [pair for c in range(0, full, 4) for pair in ((c, c + 2), (c + 1, c + 3))]
    return [*pairs, (full, full + 1)] if channels & 2 else pairs


def pack_words(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    """uint32 words with two int16 lanes."""
    return (low & 0xFFFF) | ((high & 0xFFFF) << 16)


def pack_weights(weight: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Words in reading order; ``weight`` is (out, channels, kernel height, kernel width).

    Per group, per two outputs (an odd last one alone), per kernel row: channel pair, tap, output; then the odd
    channel's tap pairs, tap pair, output.
    """
    outputs, channels = len(weight) // groups, weight.shape[1]
    pairs = pair_order(channels)
    first, second = ([pair[i] for pair in pairs] for i in (0, 1))
    blocks = []
    for group in range(groups):
        for o in range(0, outputs, 2):
            block = weight[group * outputs + o : group * outputs + min(o + 2, outputs)]
            for ky in range(weight.shape[2]):
                row = block[:, :, ky]  # (outputs, channels, taps)
                words = pack_words(row[:, first], row[:, second])
                blocks.append(words.transpose(1, 2, 0).ravel())
                if channels % 2:
                    odd = np.pad(row[:, -1], ((0, 0), (0, row.shape[-1] % 2)))
                    blocks.append(pack_words(odd[:, 0::2], odd[:, 1::2]).T.ravel())
    return np.concatenate(blocks)


class SmladConv(Kernel):
    """``ek_conv_smlad``: two outputs times three positions per block on int16 pairs expanded once."""

    name = "conv_smlad"
    op = Conv
    isa = "dsp"
    header = "armv7em/conv.h"
    mnemonics = ("smlad",)

    def unsupported(self, site: Site) -> str | None:
        return "depthwise_smlad takes it" if cast(Conv, site.op).depthwise else None

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Conv, site.op)
        arrays = (
            Array("weight", "uint32_t", pack_weights(kernel_2d(op), op.groups), weight=True),
            Array("channel", "int32_t", records(op.requant, op.bias)),
        )
        geometry = ("ek_conv_geometry", conv_fields(site))
        return [Call("ek_conv_smlad", geometry, arrays=arrays, scratch=self.scratch(site))]

    def scratch(self, site: Site) -> int:
        """Rows of the window, expanded with their padding, one word per channel pair."""
        op, (_, width, _) = cast(Conv, site.op), hwc(site.output)
        (taps_h, taps_w), (_, stride) = two(op.kernel, 1), two(op.strides, 1)
        dilation_h, dilation_w = two(op.dilations, 1)
        rows = (taps_h - 1) * dilation_h + 1
        columns = (width - 1) * stride + (taps_w - 1) * dilation_w + 1
        return 4 * rows * columns * ((op.weight.shape[1] + 1) // 2)

    def cycles(self, site: Site) -> float:
        op, rows = cast(Conv, site.op), two(cast(Conv, site.op).kernel, 1)[0]
        blocks = len(self._skips(site)) * hwc(site.output)[0]
        pairs_of_outputs = op.groups * -(-len(op.weight) // op.groups // 2)
        if op.weight.shape[1] == 1:  # neighbouring taps in a word: another load per step, a slow copy of the input
            lane, overhead, copied = (0.92 if len(op.weight) > op.groups else 1.33), 100.0 + 14.0 * rows, 8.0
        else:
            lane, overhead, copied = 1 / 1.2, 60.0 + rows * (14.0 + 9.0 * (op.weight.shape[1] // 2)), 4.0
        steps = lane * self.executed_macs(site) + pairs_of_outputs * blocks * overhead
        return steps + copied * site.inputs[0].elements

    def executed_macs(self, site: Site) -> int:
        """Lanes multiplied: blocks share positions at the end of a row, taps in padding are left out at its start."""
        op, height = cast(Conv, site.op), hwc(site.inputs[0])[0]
        out_height = hwc(site.output)[0]
        (taps_h, taps), (stride_h, _), (dilation_h, _) = two(op.kernel, 1), two(op.strides, 1), two(op.dilations, 1)
        top = np.arange(out_height)[:, None] * stride_h - two(op.pads[: len(op.kernel)], 0)[0]
        seen = top + np.arange(taps_h) * dilation_h
        rows = int(((seen >= 0) & (seen < height)).sum())
        channels, odd = op.weight.shape[1], (taps + 1) // 2
        steps = 0
        for skip in self._skips(site):
            paired = taps - (skip if taps <= BURST else skip // BURST * BURST)
            single = odd - (skip // 2 if odd <= BURST else skip // 2 // BURST * BURST)
            steps += channels // 2 * paired + channels % 2 * (single if taps > 1 else paired)
        return 2 * POSITIONS * steps * rows * len(op.weight)

    @staticmethod
    def _skips(site: Site) -> list[int]:
        """Leading taps left out, for each block of a row; mirrors ``ek_conv_row``."""
        op, width = cast(Conv, site.op), hwc(site.output)[1]
        taps, stride, dilation = (two(v, 1)[1] for v in (op.kernel, op.strides, op.dilations))
        pad = two(op.pads[: len(op.kernel)], 0)[1]
        slides = stride == 1 and taps > 1 and width >= POSITIONS * dilation
        apart = dilation if slides else int(width >= POSITIONS)
        phases = dilation if slides else 1 if width >= POSITIONS else width
        skips: list[int] = []
        for phase in range(phases):
            rest = (width - 1 - phase) // apart - 2 if apart else 0
            for block in range(-(-(rest + POSITIONS) // POSITIONS)):
                start = (phases - 1 + (POSITIONS * block + 2) * apart) * stride - pad
                full = POSITIONS * block <= rest and block < EDGE
                skips.append(min(taps, -(start // dilation)) if start < 0 and full else 0)
        return skips

    def inplace(self, site: Site) -> tuple[int, ...]:
        """The one input row is copied before the first output is written, unless another group still reads it."""
        heights = hwc(site.inputs[0])[0], hwc(site.output)[0]
        return (0,) if heights == (1, 1) and cast(Conv, site.op).groups == 1 else ()


class SmladDepthwise(SmladConv):
    """``ek_conv_smlad`` with one input channel per group: a word pairs neighbouring taps of one channel."""

    name = "depthwise_smlad"

    def unsupported(self, site: Site) -> str | None:
        return None if cast(Conv, site.op).depthwise else "it takes one input channel per group"
