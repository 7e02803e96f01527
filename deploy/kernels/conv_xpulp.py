"""Convolution with XpulpV2's four-way dot products: four outputs times four positions per block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.conv import conv_fields, kernel_2d
from deploy.kernels.packing import hwc, two
from deploy.kernels.xpulp import LANES, OUTPUTS, TEAM, filled_records, folded, interleaved, up
from quant.ops import Conv

POSITIONS = 4  # EK_POSITIONS of xpulpv2/mac_block.h
TAP, JOINED, ROW, COPY = 0, 1, 2, 3  # EK_SEGMENT_* of xpulpv2/conv.h
COPIED = 192  # bytes of a window at most where kernel rows are copied
GATHERED = 512  # the same where taps that are apart are


def segment(op: Conv) -> int:
    """How the kernel reads a row of taps; depends on nothing that tiling changes."""
    (taps_h, taps), (_, dilation), (_, stride) = two(op.kernel, 1), two(op.dilations, 1), two(op.strides, 1)
    channels = op.weight.shape[1]
    if op.groups > 1:
        return TAP
    if dilation > 1 and taps > 1:
        small = taps_h * (taps + POSITIONS - 1) * up(channels, LANES) <= GATHERED
        return COPY if stride == 1 and channels % LANES and small else TAP
    if channels % LANES == 0:
        return JOINED
    return ROW if taps > 1 and taps_h * up(taps * channels, LANES) <= COPIED else TAP


class XpulpConv(Kernel):
    """``ek_conv_xpulp``, or ``ek_conv_copy_xpulp`` for small dilated kernels: weights interleaved by four outputs."""

    name = "conv_xpulp"
    op = Conv
    isa = "xpulpv2"
    header = "xpulpv2/conv.h"
    mnemonics = ("lp.setup", "p.lw", "pv.sdotsp.b")
    team = True

    def unsupported(self, site: Site) -> str | None:
        return "depthwise_xpulp takes it" if cast(Conv, site.op).depthwise else None

    def calls(self, site: Site) -> Sequence[Call]:
        op, x = cast(Conv, site.op), site.inputs[0]
        scratch = self._scratch(op)
        outputs, (taps_h, taps) = len(op.weight) // op.groups, two(op.kernel, 1)
        words = self._words(op)
        kind = {
            "segment": segment(op),
            "outputs": outputs,
            "blocks": -(-outputs // OUTPUTS),
            "words": words,
            "steps": words // (taps_h if segment(op) in (ROW, COPY) else taps_h * taps),
            "scratch": scratch,
        }
        bias = folded(op.bias, op.weight, x.zero_point)
        arrays = [
            Array("weight", "int8_t", self._weight(op), weight=True),
            Array("channel", "int32_t", filled_records(op.requant, bias, op.groups)),
        ]
        if segment(op) != COPY:
            arrays.append(Array("zero", "int8_t", np.full(up(op.weight.shape[1], LANES), x.zero_point)))
        function = "ek_conv_copy_xpulp" if segment(op) == COPY else "ek_conv_xpulp"
        geometry = ("ek_conv_xpulp_geometry", {**self._fields(site), **kind})
        return [Call(function, geometry, arrays=tuple(arrays), scratch=TEAM * scratch)]

    def scratch(self, site: Site) -> int:
        return TEAM * self._scratch(cast(Conv, site.op))

    @staticmethod
    def _fields(site: Site) -> dict[str, int]:
        """Geometry; positions that see the input's pixels one by one are one row."""
        fields = conv_fields(site)
        if all(fields[f"window.{name}"] == 1 for name in ("kernel_h", "kernel_w", "stride_h", "stride_w")):
            (rows, width), shape = hwc(site.output)[:2], hwc(site.inputs[0])[:2]
            if (rows, width) == shape and not (fields["window.pad_top"] or fields["window.pad_left"]):
                fields |= {f"window.{name}": rows * width for name in ("in_w", "out_w")}
                fields |= {"window.in_h": 1, "window.out_h": 1}
        return fields

    @staticmethod
    def _weight(op: Conv) -> np.ndarray:
        taps = kernel_2d(op).transpose(0, 2, 3, 1)  # (out, kernel row, tap, channel)
        rows = taps.shape[1] if segment(op) == ROW else taps.shape[1] * taps.shape[2]
        return interleaved(taps.reshape(len(taps), rows, -1), op.groups)

    @staticmethod
    def _scratch(op: Conv) -> int:
        """Bytes of one core: the table of addresses of a block's positions, then copies of what they see."""
        (taps_h, taps), (_, stride) = two(op.kernel, 1), two(op.strides, 1)
        kind, channels = segment(op), op.weight.shape[1]
        if kind in (TAP, JOINED):
            return up(4 * POSITIONS * taps_h * taps, 8)
        if kind == COPY:
            return up(4 * POSITIONS * taps_h + taps_h * (taps + POSITIONS - 1) * up(channels, LANES), 8)
        seen = channels * (POSITIONS * taps + (POSITIONS - 1) * stride)
        return up(4 * POSITIONS * taps_h + taps_h * (seen + 7 * POSITIONS), 8)

    def cycles(self, site: Site) -> float:
        """Loads and dot products of all blocks, scaling of their outputs, addresses of every block of positions."""
        op = cast(Conv, site.op)
        height, width, _ = hwc(site.output)
        (taps_h, taps), channels = two(op.kernel, 1), op.weight.shape[1]
        positions = -(-height * width // POSITIONS) * op.groups
        segments = taps_h * (taps if segment(op) == TAP else 1)
        step = OUTPUTS + POSITIONS + OUTPUTS * POSITIONS + (2.5 if channels % LANES and segment(op) != COPY else 0.0)
        copied = 3.0 * taps_h * (taps + POSITIONS - 1) * -(-channels // LANES) if segment(op) == COPY else 0.0
        block = 190.0 + step * self._words(op) + 8.0 * segments
        return positions * (-(-len(op.weight) // op.groups // OUTPUTS) * block + 250.0 + 15.0 * segments + copied)

    def executed_macs(self, site: Site) -> int:
        op = cast(Conv, site.op)
        height, width, _ = hwc(site.output)
        outputs = op.groups * up(len(op.weight) // op.groups, OUTPUTS)
        return outputs * up(height * width, POSITIONS) * self._words(op) * LANES

    @staticmethod
    def _words(op: Conv) -> int:
        """Words of one output's weights."""
        taps_h, taps = two(op.kernel, 1)
        channels = op.weight.shape[1]
        return taps_h * (-(-taps * channels // LANES) if segment(op) == ROW else taps * -(-channels // LANES))
