"""Convolution with SMLAD (Armv7E-M): weights as int16 pairs in the order in which the loops read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.conv import conv_fields, kernel_2d
from deploy.kernels.packing import clip_is_int8, hwc, records, two
from quant.ops import Conv

POSITIONS = 3  # output positions of a block, EK_POSITIONS in mac_block.h


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

    Per group, per two outputs (an odd last one alone), per kernel row: channel pair, tap, output; then the odd channel's
    tap pairs, tap pair, output.
    """
    outputs, channels = len(weight) // groups, weight.shape[1]
    pairs = pair_order(channels)
    first, second = ([pair[i] for pair in pairs] for i in (0, 1))
    blocks = []
    for group in range(groups):
        for o in range(0, outputs, 2):
            block = weight[group * outputs + o : group * outputs + min(o + 2, outputs)]
            for ky in range(weight.shape[2]):
                row = block[:, :, ky]  # (o, channels, taps)
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
    mnemonics = ("smlad", "sxtab16", "smmla")

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Conv, site.op)
        arrays = (
            Array("weight", "uint32_t", pack_weights(kernel_2d(op), op.groups), weight=True),
            Array("channel", "int32_t", records(op.requant, op.bias)),
        )
        geometry = ("ek_conv_geometry", conv_fields(site))
        return [Call("ek_conv_smlad", geometry, arrays=arrays, scratch=self._scratch(site))]

    @staticmethod
    def _scratch(site: Site) -> int:
        op, (_, width, _) = cast(Conv, site.op), hwc(site.output)
        (span_h, span_w), (_, stride) = two(op.kernel, 1), two(op.strides, 1)
        dilation_h, dilation_w = two(op.dilations, 1)
        rows = (span_h - 1) * dilation_h + 1
        columns = (width - 1) * stride + (span_w - 1) * dilation_w + 1
        return 4 * rows * columns * ((op.weight.shape[1] + 1) // 2)

    def cycles(self, site: Site) -> float:
        op = cast(Conv, site.op)
        tail = 8.0 if clip_is_int8(op.requant) else 12.0
        return self.executed_macs(site) / 1.1 + tail * site.output.elements + 3.0 * site.inputs[0].elements * op.groups

    def executed_macs(self, site: Site) -> int:
        return 0

    def inplace(self, site: Site) -> tuple[int, ...]:
        """One input row and one group are copied before the first output is written."""
        rows = hwc(site.inputs[0])[0], hwc(site.output)[0]
        return (0,) if rows == (1, 1) and cast(Conv, site.op).groups == 1 else ()
