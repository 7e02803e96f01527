"""Fully connected layers with XpulpV2's four-way dot products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.dense import stored_weight
from deploy.kernels.packing import requant_fields
from deploy.kernels.xpulp import LANES, OUTPUTS, filled_records, folded, interleaved, up
from quant.ops import Dense

SLICES = 8  # parts that the inputs are cut into where there are few outputs
STEPS = 16  # words of a slice at least
JOIN_STEPS = 45  # what the second call costs: a barrier, sums and outputs


def slices(inputs: int, outputs: int) -> int:
    """How many parts the inputs are cut into; 1: every block of outputs is one core's.

    A second call keeps the DMA waiting between tiles: it has to save a third.
    """
    blocks, steps = -(-outputs // OUTPUTS), -(-inputs // LANES)
    cut = max(1, min(SLICES, steps // STEPS))
    whole, shared = -(-blocks // SLICES) * steps, -(-blocks * cut // SLICES) * -(-steps // cut) + JOIN_STEPS
    return cut if 3 * shared < 2 * whole else 1


class XpulpDense(Kernel):
    """``ek_dense_xpulp``, or ``ek_dense_slices_xpulp`` and ``ek_dense_join_xpulp`` where outputs are few."""

    name = "dense_xpulp"
    op = Dense
    isa = "xpulpv2"
    header = "xpulpv2/dense.h"
    mnemonics = ("lp.setup", "p.lw", "pv.sdotsp.b")
    any_layout = True
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        op, x, outputs = cast(Dense, site.op), site.inputs[0], site.output.elements
        cut = slices(x.elements, outputs)
        sizes = {"inputs": x.elements, "outputs": outputs, "slices": cut}
        geometry = ("ek_dense_xpulp_geometry", {**sizes, **requant_fields(op.requant)})
        weight = Array("weight", "int8_t", interleaved(stored_weight(site)[:, np.newaxis]), weight=True)
        bias = folded(op.bias, op.weight, x.zero_point)
        channel = Array("channel", "int32_t", filled_records(op.requant, bias))
        if cut == 1:
            return [Call("ek_dense_xpulp", geometry, arrays=(weight, channel))]
        scratch = 4 * cut * up(outputs, OUTPUTS)
        return [
            Call("ek_dense_slices_xpulp", geometry, arrays=(weight,), scratch=scratch),
            Call("ek_dense_join_xpulp", geometry, arrays=(channel,), scratch=scratch),
        ]

    def cycles(self, site: Site) -> float:
        blocks = -(-site.output.elements // OUTPUTS)
        return blocks * (90.0 + 9.0 * -(-site.inputs[0].elements // LANES))

    def executed_macs(self, site: Site) -> int:
        return up(site.output.elements, OUTPUTS) * up(site.inputs[0].elements, LANES)
