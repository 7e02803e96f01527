"""Convolution with one tap from planes to planes with XpulpV2's dot products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.packing import hwc, requant_fields
from deploy.kernels.xpulp import LANES, OUTPUTS, TEAM, filled_records, folded, high_only, interleaved, up
from deploy.layout import planar
from quant.ops import Conv

POSITIONS = 4  # EK_POSITIONS of xpulpv2/mac_block.h


class XpulpPlanes(Kernel):
    """``ek_planes_xpulp``: weights as those of ``conv_xpulp``."""

    name = "planes_xpulp"
    op = Conv
    isa = "xpulpv2"
    header = "xpulpv2/planes.h"
    mnemonics = ("lp.setup", "p.lw", "pv.sdotsp.b", "pv.shuffle2.b")
    team = True
    reads = (planar,)
    writes = (planar,)

    def unsupported(self, site: Site) -> str | None:
        op = cast(Conv, site.op)
        if op.groups > 1 or any(size > 1 for size in (*op.kernel, *op.strides)) or any(op.pads):
            return "it takes one tap of all channels, without stride and padding"
        return high_only(site)

    def calls(self, site: Site) -> Sequence[Call]:
        op, (height, width, channels) = cast(Conv, site.op), hwc(site.inputs[0])
        geometry = {
            **requant_fields(op.requant),
            "positions": height * width,
            "channels": channels,
            "outputs": len(op.weight),
            "words": -(-channels // LANES),
            "scratch": self._scratch(site),
        }
        bias = folded(op.bias, op.weight, site.inputs[0].zero_point)
        arrays = (
            Array("weight", "int8_t", interleaved(op.weight.reshape(len(op.weight), 1, -1)), weight=True),
            Array("channel", "int32_t", filled_records(op.requant, bias)),
        )
        named = ("ek_planes_xpulp_geometry", geometry)
        return [Call("ek_planes_xpulp", named, arrays=arrays, scratch=self.scratch(site))]

    def scratch(self, site: Site) -> int:
        return TEAM * self._scratch(site)

    @staticmethod
    def _scratch(site: Site) -> int:
        """Bytes of one core: all channels of a block's positions."""
        return POSITIONS * up(hwc(site.inputs[0])[2], LANES)

    def cycles(self, site: Site) -> float:
        """The transposed copy, then loads and dot products of all blocks and scaling of their outputs."""
        height, width, channels = hwc(site.inputs[0])
        words, blocks = -(-channels // LANES), -(-site.output.shape[0] // OUTPUTS)
        return -(-height * width // POSITIONS) * (80.0 + 24.0 * words + blocks * (170.0 + 24.0 * words))

    def executed_macs(self, site: Site) -> int:
        height, width, channels = hwc(site.inputs[0])
        return up(height * width, POSITIONS) * up(channels, LANES) * up(site.output.shape[0], OUTPUTS)
