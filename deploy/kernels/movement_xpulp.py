"""Operators that only move data, shared by a team."""

from __future__ import annotations

from deploy.kernels.base import Site
from deploy.kernels.movement import PortableConcat, PortablePad, PortableReshape, PortableSlice, PortableTranspose
from deploy.kernels.xpulp import SharedByTeam


class XpulpReshape(SharedByTeam, PortableReshape):
    """``ek_copy_xpulp``: a change of storage order."""

    name = "reorder_xpulp"
    header = "xpulpv2/copy.h"

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements


class XpulpTranspose(SharedByTeam, PortableTranspose):
    """``ek_copy_xpulp`` with the steps of the axes in their new order."""

    name = "transpose_xpulp"
    header = "xpulpv2/copy.h"

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements


class XpulpConcat(SharedByTeam, PortableConcat):
    """``ek_copy_xpulp`` per input."""

    name = "concat_xpulp"
    header = "xpulpv2/copy.h"

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements


class XpulpSlice(SharedByTeam, PortableSlice):
    """``ek_copy_xpulp`` with steps."""

    name = "slice_xpulp"
    header = "xpulpv2/copy.h"

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements


class XpulpPad(SharedByTeam, PortablePad):
    """``ek_fill_xpulp``, then (after a barrier) ``ek_copy_xpulp``."""

    name = "pad_xpulp"
    header = "xpulpv2/copy.h"

    def cycles(self, site: Site) -> float:
        return 5.0 * site.output.elements
