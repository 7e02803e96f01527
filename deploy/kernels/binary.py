"""Layers on bits that stand for +1 and -1: fully connected and convolution, portable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.bits import row_words
from deploy.kernels.packing import records, requant_fields, window_fields
from quant import bits
from quant.ops import BinaryConv, BinaryDense, Threshold
from quant.requant import Requant

SCALED, SUMS, BITS = range(3)  # of ek_binary_output


def output_fields(op: BinaryDense | BinaryConv) -> dict[str, int]:
    """Fields of ``ek_binary_output``."""
    if isinstance(op.finish, Requant):
        return {"out.form": SCALED} | {f"out.{name}": value for name, value in requant_fields(op.finish).items()}
    return {"out.form": SUMS if op.finish is None else BITS}


def output_records(op: BinaryDense | BinaryConv) -> NDArray[np.int64]:
    """A record of int32 words per output: bias and requantization, bias, or level."""
    if isinstance(op.finish, Requant):
        return records(op.finish, op.bias)
    return op.finish.levels if isinstance(op.finish, Threshold) else op.bias


def binary_call(function: str, geometry: dict[str, int], site: Site) -> Call:
    """``geometry`` without the fields of the output; its type is the portable function's."""
    op = cast(BinaryDense | BinaryConv, site.op)
    channels_last = np.moveaxis(op.weight, 1, -1)
    arrays = (
        Array("weight", "uint32_t", bits.pack(channels_last).ravel(), weight=True),
        Array("channel", "int32_t", output_records(op)),
    )
    return Call(function, (f"ek_{op.kind}_geometry", {**geometry, **output_fields(op)}), arrays=arrays)


class PortableBinaryDense(Kernel):
    """``ek_binary_dense``: differing bits of the input and every output's row of words."""

    name = "binary_dense"
    op = BinaryDense
    header = "binary_dense.h"
    function = "ek_binary_dense"
    per_word = 18.0

    def calls(self, site: Site) -> Sequence[Call]:
        x = site.inputs[0]
        sizes = {"inputs": x.elements, "outputs": site.output.elements, "words": row_words(x)}
        return [binary_call(self.function, sizes, site)]

    def cycles(self, site: Site) -> float:
        return (self.per_word * row_words(site.inputs[0]) + 30.0) * site.output.elements

    def executed_macs(self, site: Site) -> int:
        return bits.WORD * row_words(site.inputs[0]) * site.output.elements


class PortableBinaryConv(Kernel):
    """``ek_binary_conv``: weights in [output][kernel row][tap][word] order."""

    name = "binary_conv"
    op = BinaryConv
    header = "binary_conv.h"
    function = "ek_binary_conv"
    per_word = 18.0
    copies = 0  # of a window, in scratch memory

    def calls(self, site: Site) -> Sequence[Call]:
        op, x = cast(BinaryConv, site.op), site.inputs[0]
        window = window_fields(x, site.output, op.kernel, op.strides, op.pads, op.dilations)
        call = binary_call(self.function, {**window, "words": row_words(x)}, site)
        return [replace(call, scratch=4 * self.copies * int(np.prod(op.kernel)) * row_words(x))]

    def cycles(self, site: Site) -> float:
        return self.per_word * self._words(site) + 40.0 * site.output.elements

    def executed_macs(self, site: Site) -> int:
        return bits.WORD * self._words(site)

    def _words(self, site: Site) -> int:
        """Words that are compared, padding taken for work."""
        op = cast(BinaryConv, site.op)
        return int(np.prod(op.kernel)) * row_words(site.inputs[0]) * site.output.elements
