"""Convolution along rows with XpulpV2's dot products: one input channel per output, rows read where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.conv import kernel_2d
from deploy.kernels.packing import hwc, records, requant_fields, two
from deploy.kernels.xpulp import LANES, folded, high_only, up
from deploy.layout import channels_last, column_by_column, planar
from quant.ops import Conv

COLUMNS, PHASES = 8, 4  # EK_ROWS_COLUMNS, EK_ROWS_PHASES of xpulpv2/rows.h
CHUNK = COLUMNS * PHASES
MOST = 32  # EK_ROWS_WORDS: words of a filter at most
STEPS = 4  # words of a filter are a multiple of these


def words(op: Conv) -> int:
    """Of a filter's weights, filled up as the kernel's loop needs them."""
    return up(-(-two(op.kernel, 1)[1] // LANES), STEPS)


def by_pairs(weight: NDArray[np.int64], filters: int) -> NDArray[np.int64]:
    """Filters (out, byte), whole words, in reading order: of every group's ``filters`` two after the other take turns
    word by word, a last one without a partner is by itself."""
    pieces = []
    for first in range(0, len(weight), filters):
        group = weight[first : first + filters]
        for at in range(0, filters, 2):
            pair = group[at : at + 2]
            pieces.append(pair.reshape(len(pair), -1, LANES).transpose(1, 0, 2).ravel())
    return np.concatenate(pieces)


class XpulpRows(Kernel):
    """``ek_rows_xpulp``: planes of rows in, any order of axes out."""

    name = "rows_xpulp"
    op = Conv
    isa = "xpulpv2"
    header = "xpulpv2/rows.h"
    mnemonics = ("lp.count", "p.lw", "pv.sdotsp.b")
    team = True
    reads = (planar,)
    writes = (channels_last, column_by_column, planar)

    def unsupported(self, site: Site) -> str | None:
        op = cast(Conv, site.op)
        (taps_h, _), strides, dilations = two(op.kernel, 1), two(op.strides, 1), two(op.dilations, 1)
        rank = len(op.kernel)
        above, below = two(op.pads[:rank], 0)[0], two(op.pads[rank:], 0)[0]
        if op.weight.shape[1] != 1:
            return "it takes one input channel per group"
        if taps_h > 1 or above or below or strides != (1, 1) or dilations[1] > 1:
            return "it takes kernels of one row without stride and dilation"
        if words(op) > MOST:
            return f"it takes up to {MOST * LANES} taps"
        return high_only(site)

    def calls(self, site: Site) -> Sequence[Call]:
        op, (channels, rows, in_w), (_, out_w, _) = cast(Conv, site.op), self._planes(site), hwc(site.output)
        filters, rank = len(op.weight) // channels, len(op.kernel)
        flat = kernel_2d(op).reshape(len(op.weight), -1)
        bytes_ = LANES * words(op)
        y_channel, y_row, y_step = self._steps(site)
        geometry = {
            **requant_fields(op.requant),
            "in_zero": site.inputs[0].zero_point,
            "groups": channels,
            "rows": rows,
            "filters": filters,
            "in_w": in_w,
            "out_w": out_w,
            "pad_left": op.pads[rank - 1],
            "words": words(op),
            "y_filter": y_channel,
            "y_group": filters * y_channel,
            "y_row": y_row,
            "y_step": y_step,
        }
        filled = np.pad(flat, ((0, 0), (0, bytes_ - flat.shape[1])))
        arrays = (
            Array("weight", "int8_t", by_pairs(filled, filters), weight=True),
            Array("channel", "int32_t", records(op.requant, folded(op.bias, op.weight, site.inputs[0].zero_point))),
        )
        return [Call("ek_rows_xpulp", ("ek_rows_xpulp_geometry", geometry), arrays=arrays)]

    @staticmethod
    def _planes(site: Site) -> tuple[int, int, int]:
        """Channels, rows and columns of the input."""
        height, width, channels = hwc(site.inputs[0])
        return channels, height, width

    @staticmethod
    def _steps(site: Site) -> tuple[int, int, int]:
        """Elements from one channel, row and column of the output to the next."""
        view, perm = site.out_layout.view, site.out_layout.perm
        steps, step = [0] * len(view), 1
        for axis in reversed(perm):
            steps[axis] = step
            step *= view[axis]
        return steps[0], steps[-2] if len(view) > 2 else 0, steps[-1]

    def cycles(self, site: Site) -> float:
        """Loads and dot products of every chunk, of which three blocks in four are misaligned, and scaling."""
        op, (channels, rows, _) = cast(Conv, site.op), self._planes(site)
        chunks = rows * channels * -(-hwc(site.output)[1] // CHUNK)
        pairs, single = divmod(len(op.weight) // channels, 2)
        two_filters = PHASES * (19.75 * words(op) + 9.0 * 2 * COLUMNS + 60.0)
        one_filter = PHASES * (10.75 * words(op) + 9.0 * COLUMNS + 50.0)
        return chunks * (pairs * (two_filters + 60.0) + single * (one_filter + 60.0) + 60.0)

    def executed_macs(self, site: Site) -> int:
        op, (_, rows, _) = cast(Conv, site.op), self._planes(site)
        return len(op.weight) * rows * up(hwc(site.output)[1], CHUNK) * words(op) * LANES
