"""Fully connected layers. Weights follow the storage order of the input, whatever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.packing import records, requant_fields
from quant.ops import Dense

BLOCK = 5  # EK_DENSE_BLOCK of armv7em/dense.h


def dense_fields(site: Site) -> dict[str, int]:
    """Fields of ``ek_dense_geometry``."""
    op, x = cast(Dense, site.op), site.inputs[0]
    sizes = {"inputs": x.elements, "outputs": site.output.elements, "in_zero": x.zero_point}
    return {**sizes, **requant_fields(op.requant)}


def stored_weight(site: Site) -> NDArray[np.int64]:
    """(out, in) with columns in the input's storage order."""
    return cast(Dense, site.op).weight[:, site.layouts[0].order]


class PortableDense(Kernel):
    """``ek_dense``: int8 weights in [output][input] order."""

    name = "dense"
    op = Dense
    header = "dense.h"
    any_layout = True

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Dense, site.op)
        arrays = (
            Array("weight", "int8_t", stored_weight(site).ravel(), weight=True),
            Array("channel", "int32_t", records(op.requant, op.bias)),
        )
        return [Call("ek_dense", ("ek_dense_geometry", dense_fields(site)), arrays=arrays)]

    def cycles(self, site: Site) -> float:
        return 5.0 * self.executed_macs(site) + 30.0 * site.output.elements

    def executed_macs(self, site: Site) -> int:
        return cast(Dense, site.op).weight.size


def pack_fours(weight: NDArray[np.int64]) -> NDArray[np.int64]:
    """uint32 words of four inputs of one output; per block of outputs: four inputs, output."""
    outputs, inputs = weight.shape
    blocks = -(-outputs // BLOCK)
    width = -(-outputs // blocks)
    padded = np.pad(weight, ((0, 0), (0, -inputs % 4))) & 0xFF
    words = (padded.reshape(outputs, -1, 4) << np.array([0, 8, 16, 24])).sum(axis=-1)
    return np.concatenate([words[o : o + width].T.ravel() for o in range(0, outputs, width)])


class SmladDense(PortableDense):
    """``ek_dense_smlad``: four inputs at a time, widened in registers; z_x is folded into the bias."""

    name = "dense_smlad"
    isa = "dsp"
    header = "armv7em/dense.h"
    mnemonics = ("smlad", "sxtb16")

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Dense, site.op)
        folded = replace(op, bias=op.bias - site.inputs[0].zero_point * op.weight.sum(axis=1))
        arrays = (
            Array("weight", "uint32_t", pack_fours(stored_weight(site)), weight=True),
            Array("channel", "int32_t", records(op.requant, folded.bias)),
        )
        return [Call("ek_dense_smlad", ("ek_dense_geometry", dense_fields(site)), arrays=arrays)]

    def cycles(self, site: Site) -> float:
        return self.executed_macs(site) * 1.7 + 40.0 * site.output.elements

    def executed_macs(self, site: Site) -> int:
        op = cast(Dense, site.op)
        return len(op.weight) * (-(-op.weight.shape[1] // 4) * 4)
