"""XpulpV2 variants of add, pooling, table and requantization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from deploy.kernels.add import SmladAdd
from deploy.kernels.base import Call, Site
from deploy.kernels.elementwise import PortableRequantize, PortableTable
from deploy.kernels.pool import PortableAveragePool, PortableMaxPool, window_elements
from deploy.kernels.xpulp import SharedByTeam
from quant.ops import Add


class XpulpAdd(SmladAdd):
    """``ek_add_xpulp``: the factors' halves in 16-bit lanes, both products in one instruction per half."""

    name = "add_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/add.h"
    mnemonics = ("pv.dotsp.h", "pv.sdotsp.h")
    team = True

    def unsupported(self, site: Site) -> str | None:
        reason = super().unsupported(site)
        op = cast(Add, site.op)
        return "the shift does not fit 5 bits" if reason is None and op.s - 16 > 31 else reason

    def calls(self, site: Site) -> Sequence[Call]:
        (call,) = super().calls(site)
        geometry = ("ek_add_xpulp_geometry", call.geometry[1])
        return [replace(call, function="ek_add_xpulp", geometry=geometry)]

    def cycles(self, site: Site) -> float:
        return 9.5 * site.output.elements


class XpulpAveragePool(PortableAveragePool):
    """``ek_average_pool_xpulp``: four channels at a time, a dot product picks each."""

    name = "average_pool_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/pool.h"
    mnemonics = ("lp.setup", "p.lw", "pv.sdotsp.b")
    team = True
    function = "ek_average_pool_xpulp"
    per_element = 1.5


class XpulpMaxPool(PortableMaxPool):
    """``ek_max_pool_xpulp``: four channels at a time."""

    name = "max_pool_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/pool.h"
    mnemonics = ("lp.setup", "p.lw", "pv.max.b")
    team = True
    function = "ek_max_pool_xpulp"

    def cycles(self, site: Site) -> float:
        return 0.75 * window_elements(site) + 8.0 * site.output.elements


class XpulpTable(SharedByTeam, PortableTable):
    """``ek_table_xpulp``: four elements at a time."""

    name = "table_xpulp"
    header = "xpulpv2/elementwise.h"
    mnemonics = ("lp.setup", "p.lb", "p.lbu", "p.sb")

    def cycles(self, site: Site) -> float:
        return 4.0 * site.output.elements


class XpulpRequantize(SharedByTeam, PortableRequantize):
    """``ek_requantize_tensor_xpulp``."""

    name = "requantize_xpulp"
    header = "xpulpv2/elementwise.h"

    def cycles(self, site: Site) -> float:
        return 14.0 * site.output.elements

    def inplace(self, site: Site) -> tuple[int, ...]:
        """Elements of one size only: a core's outputs would lie where another one still reads."""
        return (0,) if site.output.dtype.bits == site.inputs[0].dtype.bits else ()
