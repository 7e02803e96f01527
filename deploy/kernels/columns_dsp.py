"""Depthwise convolution along columns (Armv7E-M): a weighted sum over the rows of every position, electrodes say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Site
from deploy.kernels.conv import PortableDepthwise, conv_fields, kernel_2d
from deploy.kernels.conv_dsp import pack_words
from deploy.kernels.packing import hwc, records
from quant.ops import Conv

CHANNELS = 4  # that are widened at once


def pack_columns(weight: NDArray[np.int64], channels: int) -> NDArray[np.int64]:
    """Words of a channel's two outputs (an only one in the low lane), per four channels as [kernel row][channel].

    Args:
        weight: (outputs, kernel rows).
    """
    each = len(weight) // channels
    lanes = weight.reshape(channels // CHANNELS, CHANNELS, each, -1).transpose(2, 0, 3, 1)
    return pack_words(lanes[0], lanes[1] if each == 2 else np.zeros_like(lanes[0])).ravel()


class SmlaColumns(PortableDepthwise):
    """``ek_columns_smla``: the sums of four channels stay in registers; z_x is folded into the bias."""

    name = "columns_smla"
    isa = "dsp"
    header = "armv7em/columns.h"
    mnemonics = ("sxtb16", "smlabb", "smlatb")

    def unsupported(self, site: Site) -> str | None:
        op = cast(Conv, site.op)
        if op.weight.shape[1] != 1:
            return "it takes one input channel per group"
        if len(op.kernel) != 2 or op.kernel[1] != 1 or any(op.pads):
            return "it takes one column of taps and no padding"
        if op.groups % CHANNELS or len(op.weight) > 2 * op.groups:
            return "it takes a multiple of four channels with one or two outputs each"
        return None

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Conv, site.op)
        weight = kernel_2d(op)[:, 0, :, 0]
        bias = op.bias - site.inputs[0].zero_point * weight.sum(axis=1)
        arrays = (
            Array("weight", "uint32_t", pack_columns(weight, op.groups), weight=True),
            Array("channel", "int32_t", records(op.requant, bias)),
        )
        return [Call("ek_columns_smla", ("ek_conv_geometry", conv_fields(site)), arrays=arrays)]

    def cycles(self, site: Site) -> float:
        op, (height, width, channels) = cast(Conv, site.op), hwc(site.output)
        row = 18.0 if channels == 2 * op.groups else 14.0
        return height * width * (op.groups // CHANNELS * (row * op.kernel[0] + 20.0) + 9.0 * channels)
