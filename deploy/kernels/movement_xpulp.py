"""Operators that only move data, shared by a team."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.kernels.base import Call, Site
from deploy.kernels.movement import PortableConcat, PortablePad, PortableReshape, PortableSlice, PortableTranspose
from deploy.kernels.xpulp import on_a_team


class XpulpReshape(PortableReshape):
    """``ek_copy_xpulp``: a change of storage order."""

    name = "reorder_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/copy.h"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        return on_a_team(super().calls(site))

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements


class XpulpTranspose(PortableTranspose):
    """``ek_copy_xpulp`` with the steps of the axes in their new order."""

    name = "transpose_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/copy.h"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        return on_a_team(super().calls(site))

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements


class XpulpConcat(PortableConcat):
    """``ek_copy_xpulp`` per input."""

    name = "concat_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/copy.h"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        return on_a_team(super().calls(site))

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements


class XpulpSlice(PortableSlice):
    """``ek_copy_xpulp`` with steps."""

    name = "slice_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/copy.h"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        return on_a_team(super().calls(site))

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements


class XpulpPad(PortablePad):
    """``ek_fill_xpulp``, then (after a barrier) ``ek_copy_xpulp``."""

    name = "pad_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/copy.h"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        return on_a_team(super().calls(site))

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements
