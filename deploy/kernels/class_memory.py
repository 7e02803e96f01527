"""Operators that change one class of a memory, and what turns its counters into bits."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

from deploy.kernels.base import Call, Kernel, Site
from quant.dtypes import DType
from quant.ops import Accumulate, Count, Erase, Majority


def _bytes(site: Site) -> int:
    return site.inputs[0].dtype.bits // 8


class PortableAccumulate(Kernel):
    """``ek_accumulate``, ``ek_accumulate_bits``."""

    name = "accumulate"
    op = Accumulate
    header = "class_memory.h"

    def calls(self, site: Site) -> Sequence[Call]:
        op, (memory, value, _) = cast(Accumulate, site.op), site.inputs
        channels, classes = memory.shape
        fields = {"channels": channels, "classes": classes, "bytes": _bytes(site)}
        fields |= {"zero": value.zero_point, "lo": op.lo, "hi": op.hi}
        function = "ek_accumulate_bits" if op.bipolar else "ek_accumulate"
        return [Call(function, ("ek_accumulate_geometry", fields), (0, 1, 2))]

    def cycles(self, site: Site) -> float:
        return 14.0 * site.inputs[1].elements

    def inplace(self, site: Site) -> tuple[int, ...]:
        return (0,)


class PortableCount(Kernel):
    """``ek_count``."""

    name = "count"
    op = Count
    header = "class_memory.h"

    def calls(self, site: Site) -> Sequence[Call]:
        fields = {"classes": site.inputs[0].elements, "bytes": _bytes(site), "hi": cast(Count, site.op).hi}
        return [Call("ek_count", ("ek_count_geometry", fields), (0, 1))]

    def cycles(self, site: Site) -> float:
        return 20.0

    def inplace(self, site: Site) -> tuple[int, ...]:
        return (0,)


class PortableErase(Kernel):
    """``ek_erase``; a row of bits is a row of words."""

    name = "erase"
    op = Erase
    header = "class_memory.h"

    def calls(self, site: Site) -> Sequence[Call]:
        memory = site.inputs[0]
        classes, size = memory.shape[-1], 4 if memory.dtype is DType.B1 else _bytes(site)
        fields = {"elements": memory.nbytes // size // classes, "classes": classes}
        fields |= {"bytes": size, "zero": memory.zero_point}
        return [Call("ek_erase", ("ek_erase_geometry", fields), (0, 1))]

    def cycles(self, site: Site) -> float:
        return 2.0 * prod(site.inputs[0].shape[:-1])

    def inplace(self, site: Site) -> tuple[int, ...]:
        return (0,)


class PortableMajority(Kernel):
    """``ek_counter_majority``: every word of bits is written when its counters have been read."""

    name = "majority"
    op = Majority
    header = "counter_majority.h"

    def calls(self, site: Site) -> Sequence[Call]:
        x, seed = site.inputs[0], cast(Majority, site.op).seed
        fields = {"channels": x.shape[0], "positions": prod(x.shape[1:]), "bytes": _bytes(site), "zero": x.zero_point}
        fields |= {"seed_low": _signed(seed), "seed_high": _signed(seed >> 32)}
        return [Call("ek_counter_majority", ("ek_counter_majority_geometry", fields))]

    def cycles(self, site: Site) -> float:
        return 8.0 * site.inputs[0].elements

    def inplace(self, site: Site) -> tuple[int, ...]:
        return (0,) if site.output.nbytes <= site.inputs[0].nbytes else ()


def _signed(word: int) -> int:
    """The low 32 bits as the int32 with the same bits."""
    return (word + 2**31) % 2**32 - 2**31
