"""Depthwise convolution with XpulpV2's dot products on transposed rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.conv import conv_fields, kernel_2d
from deploy.kernels.packing import hwc, records, two
from deploy.kernels.xpulp import LANES, TEAM, folded, up
from quant.ops import Conv

COLUMNS = 32  # output columns of a chunk
SCRATCH = 12 * 1024  # bytes of the team's copies of input rows, where one output row each does not need more

SWAPPED = {"h": "w", "w": "h", "top": "left", "left": "top"}


def upright(op: Conv) -> bool:
    """Whether rows and columns change roles: taps of a word should be neighbours along the longer side."""
    taps_h, taps = two(op.kernel, 1)
    return taps_h > taps


def window(site: Site) -> dict[str, int]:
    """Fields of the geometry, rows and columns swapped where that is better."""
    fields = conv_fields(site)
    del fields["groups"]
    (_, in_w, in_c), (_, out_w, out_c) = hwc(site.inputs[0]), hwc(site.output)
    steps = {"x_row": in_w * in_c, "x_column": in_c, "y_row": out_w * out_c, "y_column": out_c}
    if not upright(cast(Conv, site.op)):
        return {**fields, **steps}
    swapped = {"x_row": in_c, "x_column": in_w * in_c, "y_row": out_c, "y_column": out_w * out_c}
    for name, value in fields.items():
        stem, _, axis = name.rpartition("_")
        swapped[f"{stem}_{SWAPPED[axis]}" if axis in SWAPPED else name] = value
    return swapped


class XpulpDepthwise(Kernel):
    """``ek_depthwise_xpulp``: weights in [output][kernel row][tap] order, rows filled up to words."""

    name = "depthwise_xpulp"
    op = Conv
    isa = "xpulpv2"
    header = "xpulpv2/depthwise.h"
    mnemonics = ("lp.setup", "p.lw", "pv.sdotsp.b", "pv.shuffle2.b")
    team = True

    def unsupported(self, site: Site) -> str | None:
        op = cast(Conv, site.op)
        if op.weight.shape[1] != 1:
            return "it takes one input channel per group"
        return "conv_xpulp shares a single channel's positions better" if op.groups == 1 else None

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Conv, site.op)
        fields = window(site)
        weight = kernel_2d(op)[:, 0]
        weight = weight.transpose(0, 2, 1) if upright(op) else weight
        arrays = (
            Array("weight", "int8_t", np.pad(weight, ((0, 0), (0, 0), (0, -weight.shape[2] % LANES))).ravel(), True),
            Array("channel", "int32_t", records(op.requant, folded(op.bias, op.weight, site.inputs[0].zero_point))),
        )
        band = self._band(fields)
        geometry = ("ek_depthwise_xpulp_geometry", {**fields, **band})
        return [Call("ek_depthwise_xpulp", geometry, arrays=arrays, scratch=band["scratch"])]

    def scratch(self, site: Site) -> int:
        return self._band(window(site))["scratch"]

    @staticmethod
    def _band(fields: dict[str, int]) -> dict[str, int]:
        """Columns of a chunk, bytes of a phase of a row, and scratch memory of the team.

        A core needs the input of one output row at least; with more, rows that bands share are copied less often.
        """
        apart, columns = fields["window.dilation_w"], min(COLUMNS, fields["window.out_w"])
        pitch = up((columns - 1) * fields["window.stride_w"] // apart + fields["window.kernel_w"], LANES)
        row, stride = LANES * apart * pitch, fields["window.stride_h"]
        halo = (fields["window.kernel_h"] - 1) * fields["window.dilation_h"] + 1
        least, most = (up(row * (halo + n * stride) + 8, 8) for n in (0, fields["window.out_h"] - 1))
        return {"columns": columns, "pitch": pitch, "scratch": max(TEAM * least, min(8 * most, SCRATCH))}

    def cycles(self, site: Site) -> float:
        """The transposed copy of the input, then dot products and scaling of every output."""
        fields = window(site)
        rows, words = fields["window.kernel_h"], -(-fields["window.kernel_w"] // LANES)
        per_output = 24.0 + rows * (1.25 + 2.5 * words)
        if rows == 3 and words == 1 and fields["window.dilation_w"] == 1:
            per_output = 15.0 if fields["window.stride_w"] == 1 else 19.0
        return per_output * site.output.elements + 1.8 * site.inputs[0].elements

    def executed_macs(self, site: Site) -> int:
        op = cast(Conv, site.op)
        taps_h, taps = sorted(two(op.kernel, 1))
        return taps_h * up(taps, LANES) * site.output.elements
