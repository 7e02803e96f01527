"""Depthwise convolution over whole columns with XpulpV2's dot products: a column's rows are neighbours in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.packing import hwc, records, requant_fields
from deploy.kernels.xpulp import LANES, folded, high_only, up
from deploy.layout import column_by_column
from quant.ops import Conv

POSITIONS = 4  # EK_COLUMNS_POSITIONS of xpulpv2/columns.h


def in_pairs(values: NDArray[np.int64], channels: int) -> NDArray[np.int64]:
    """(out, ...) as (channel, two outputs, 2, ...); an odd last output of a channel is its own partner."""
    grouped = values.reshape(channels, -1, *values.shape[1:])
    if grouped.shape[1] % 2:
        grouped = np.concatenate([grouped, grouped[:, -1:]], axis=1)
    return grouped.reshape(channels, -1, 2, *values.shape[1:])


class XpulpColumns(Kernel):
    """``ek_columns_xpulp``: weights by channel and two outputs, word by word in turn."""

    name = "columns_xpulp"
    op = Conv
    isa = "xpulpv2"
    header = "xpulpv2/columns.h"
    mnemonics = ("lp.setup", "p.lw", "pv.sdotsp.b")
    team = True
    reads = (column_by_column,)

    def unsupported(self, site: Site) -> str | None:
        op = cast(Conv, site.op)
        if op.weight.shape[1] != 1:
            return "it takes one input channel per group"
        if len(op.kernel) != 2 or op.kernel != (site.inputs[0].shape[1], 1) or op.strides[1] > 1 or any(op.pads):
            return "it takes kernels as high as the input, one column wide, without stride and padding"
        return high_only(site)

    def calls(self, site: Site) -> Sequence[Call]:
        op, (rows, positions, channels) = cast(Conv, site.op), hwc(site.inputs[0])
        words = self._words(site)
        filled = np.pad(op.weight.reshape(len(op.weight), -1), ((0, 0), (0, LANES * words - rows)))
        weight = in_pairs(filled, channels).reshape(channels, -1, 2, words, LANES).transpose(0, 1, 3, 2, 4)
        record = records(op.requant, folded(op.bias, op.weight, site.inputs[0].zero_point))
        geometry = {
            **requant_fields(op.requant),
            "positions": positions,
            "channels": channels,
            "rows": rows,
            "multiplier": len(op.weight) // channels,
            "words": words,
        }
        arrays = (
            Array("weight", "int8_t", weight.ravel(), weight=True),
            Array("channel", "int32_t", in_pairs(record.reshape(len(op.weight), -1), channels).ravel()),
        )
        return [Call("ek_columns_xpulp", ("ek_columns_xpulp_geometry", geometry), arrays=arrays)]

    @staticmethod
    def _words(site: Site) -> int:
        """Of an output's weights."""
        return -(-hwc(site.inputs[0])[0] // LANES)

    def _blocks(self, site: Site) -> int:
        _, positions, channels = hwc(site.inputs[0])
        multiplier = site.output.shape[0] // channels
        return channels * -(-multiplier // 2) * -(-positions // POSITIONS)

    def cycles(self, site: Site) -> float:
        """Loads, every other one misaligned, and dot products of every block, then scaling."""
        return self._blocks(site) * (16.0 * self._words(site) + 110.0)

    def executed_macs(self, site: Site) -> int:
        return self._blocks(site) * 2 * POSITIONS * up(hwc(site.inputs[0])[0], LANES)
