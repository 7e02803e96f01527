"""Class memories on clusters: every core changes, copies or computes a share."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.kernels.base import Call, Site
from deploy.kernels.class_memory import PortableAccumulate, PortableErase, PortableMajority
from deploy.kernels.xpulp import TEAM, on_a_team


class XpulpAccumulate(PortableAccumulate):
    """``ek_accumulate_xpulp``, ``ek_accumulate_bits_xpulp``."""

    name = "accumulate_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/class_memory.h"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        return on_a_team(super().calls(site))

    def cycles(self, site: Site) -> float:
        return super().cycles(site) / TEAM


class XpulpErase(PortableErase):
    """``ek_erase_xpulp``."""

    name = "erase_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/class_memory.h"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        return on_a_team(super().calls(site))

    def cycles(self, site: Site) -> float:
        return super().cycles(site) / TEAM


class XpulpMajority(PortableMajority):
    """``ek_counter_majority_xpulp``: a core reads only what its own words need, which may not be where it writes."""

    name = "majority_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/counter_majority.h"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        return on_a_team(super().calls(site))

    def cycles(self, site: Site) -> float:
        return super().cycles(site) / TEAM

    def inplace(self, site: Site) -> tuple[int, ...]:
        return ()
