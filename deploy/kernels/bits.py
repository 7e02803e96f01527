"""Operators on bits, word by word: Hamming distances, binding, bundling; and the smallest value along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Array, Call, Kernel, Site
from quant import bits
from quant.graph import Tensor
from quant.ops import ArgMin, Bind, Bundle, Hamming


def row_words(x: Tensor) -> int:
    """Words of one position."""
    return bits.nbytes(x.shape[0]) // 4


def packed(label: str, values: NDArray[np.bool_]) -> Array:
    """Constant bits (channels, ...) as a tensor stores them."""
    return Array(label, "uint32_t", bits.pack(np.moveaxis(values, 0, -1)).ravel(), weight=True)


class PortableHamming(Kernel):
    """``ek_hamming`` with a constant memory, ``ek_hamming_tensor`` with another; ``..._seen`` where samples count."""

    name = "hamming"
    op = Hamming
    header = "hamming.h"
    per_word = 18.0

    def calls(self, site: Site) -> Sequence[Call]:
        op, x = cast(Hamming, site.op), site.inputs[0]
        fields = {"words": row_words(x), "classes": site.output.elements, "centroids": op.centroids}
        geometry = ("ek_hamming_geometry", {**fields, "beyond": x.elements + 1})
        function = "ek_hamming" + "_tensor" * (op.memory is None) + "_seen" * op.counted
        arrays = () if op.memory is None else (packed("memory", op.memory),)
        return [Call(function, geometry, tuple(range(len(site.inputs))), arrays)]

    def cycles(self, site: Site) -> float:
        return self.per_word * self._words(site) + 20.0 * site.output.elements

    def executed_macs(self, site: Site) -> int:
        return bits.WORD * self._words(site)

    def _words(self, site: Site) -> int:
        op = cast(Hamming, site.op)
        return row_words(site.inputs[0]) * op.centroids * site.output.elements


class PortableBind(Kernel):
    """``ek_bind`` of two tensors, ``ek_bind_key`` with a constant, ``ek_bind_seed`` with what a seed gives."""

    name = "bind"
    op = Bind
    header = "bind.h"

    def calls(self, site: Site) -> Sequence[Call]:
        op, key = cast(Bind, site.op), cast(Bind, site.op).key
        if op.seed is not None:
            return [self._seeded(op, op.seed, site)]
        geometry = ("ek_bind_geometry", {"words": site.output.nbytes // 4})
        if key is None:
            return [Call("ek_bind", geometry, (0, 1))]
        return [Call("ek_bind_key", geometry, arrays=(packed("key", key),))]

    def _seeded(self, op: Bind, seed: int, site: Site) -> Call:
        length = op.channels or site.output.shape[0]
        fields = {"words": site.output.nbytes // 4, "row": bits.nbytes(length) // 4, "first": op.first}
        tail = (1 << (length - 1) % bits.WORD + 1) - 1
        low, high = seed & 0xFFFFFFFF, seed >> 32
        return Call(
            "ek_bind_seed", ("ek_bind_seed_geometry", {**fields, "tail": tail, "seed_low": low, "seed_high": high})
        )

    def cycles(self, site: Site) -> float:
        return (2.0 if cast(Bind, site.op).seed is None else 6.0) * site.output.nbytes

    def inplace(self, site: Site) -> tuple[int, ...]:
        return tuple(range(len(site.inputs)))


class PortableBundle(Kernel):
    """``ek_majority`` or ``ek_parity``."""

    name = "bundle"
    op = Bundle
    header = "bundle.h"
    per_word = 12.0  # of a majority
    planes = 4  # at least

    def calls(self, site: Site) -> Sequence[Call]:
        x = site.inputs[0]
        planes = max(self.planes, x.shape[1].bit_length() + 1)
        begin = (1 << (planes - 1)) - 1 - x.shape[1] // 2
        fields = {"words": row_words(x), "positions": x.shape[1], "planes": planes, "begin": begin}
        function = "ek_parity" if cast(Bundle, site.op).mode == "xor" else "ek_majority"
        return [Call(function, ("ek_bundle_geometry", fields))]

    def cycles(self, site: Site) -> float:
        each = 5.0 if cast(Bundle, site.op).mode == "xor" else self.per_word
        return each * site.inputs[0].nbytes / 4


class PortableArgMin(Kernel):
    """``ek_argmin`` along any axis."""

    name = "argmin"
    op = ArgMin
    header = "argmin.h"

    def calls(self, site: Site) -> Sequence[Call]:
        axis, x = cast(ArgMin, site.op).axis, site.inputs[0]
        stored = (*x.shape[1:], x.shape[0])
        at = (axis - 1) % len(stored)  # channels are stored last
        fields = {"outer": prod(stored[:at]), "axis": stored[at], "inner": prod(stored[at + 1 :])}
        return [Call("ek_argmin", ("ek_argmin_geometry", {**fields, "in_bits": x.dtype.bits}))]

    def cycles(self, site: Site) -> float:
        return 8.0 * site.inputs[0].elements
