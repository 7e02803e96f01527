"""Sum of two tensors with different scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from deploy.kernels.base import Call, Kernel, Site
from deploy.kernels.packing import low_word
from quant.ops import Add


class PortableAdd(Kernel):
    """``ek_add``: 64-bit sums."""

    name = "add"
    op = Add
    header = "add.h"

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Add, site.op)
        fields = {
            "elements": site.output.elements,
            "m0": op.m1,
            "m1": op.m2,
            "a_low": low_word(op.a),
            "a_high": op.a >> 32,
            "s": op.s,
            "zero": op.zero_point,
            "lo": op.lo,
            "hi": op.hi,
        }
        return [Call("ek_add", ("ek_add_geometry", fields), inputs=(0, 1))]

    def cycles(self, site: Site) -> float:
        return 20.0 * site.output.elements

    def inplace(self, site: Site) -> tuple[int, ...]:
        return 0, 1


def halves(m: int) -> tuple[int, int]:
    """(low, high) with m = high * 2^16 + low and low in int16."""
    low = ((m + (1 << 15)) & 0xFFFF) - (1 << 15)
    return low, (m - low) >> 16


class SmladAdd(PortableAdd):
    """``ek_add_smlad``: the factors' halves in 16-bit lanes, both products in one instruction per half."""

    name = "add_smlad"
    isa = "dsp"
    header = "armv7em/add.h"
    mnemonics = ("smlad", "sxtb16")

    def unsupported(self, site: Site) -> str | None:
        op = cast(Add, site.op)
        if site.output.elements < 4:
            return "it takes four elements at a time"
        if max(halves(op.m1)[1], halves(op.m2)[1]) >= 1 << 15:
            return "the upper half of a factor does not fit 16 bits"
        if op.s < 17 or self._a_high(op) is None:
            return f"a = {op.a} and s = {op.s} do not fit 32-bit sums"
        return None

    @staticmethod
    def _a_high(op: Add) -> int | None:
        """Upper part of ``a`` with the zero point folded in, None where the sum of products could leave int32."""
        value = (op.a >> 16) + (op.zero_point << (op.s - 16))
        reach = 128 * sum(abs(halves(m)[1]) + 1 for m in (op.m1, op.m2)) + 2
        return value if abs(value) + reach < 1 << 31 and abs(op.a >> 16) + reach < 1 << 31 else None

    def calls(self, site: Site) -> Sequence[Call]:
        op = cast(Add, site.op)
        (m0_low, m0_high), (m1_low, m1_high) = halves(op.m1), halves(op.m2)
        fields = {
            "elements": site.output.elements,
            "m0_low": m0_low,
            "m0_high": m0_high,
            "m1_low": m1_low,
            "m1_high": m1_high,
            "a_low": op.a & 0xFFFF,
            "a_high": cast(int, self._a_high(op)),
            "shift": op.s - 16,
            "lo": op.lo,
            "hi": op.hi,
        }
        return [Call("ek_add_smlad", ("ek_add_smlad_geometry", fields), inputs=(0, 1))]

    def cycles(self, site: Site) -> float:
        return 10.0 * site.output.elements
