"""Class memories on clusters: every core changes, copies or computes a share."""

from __future__ import annotations

from deploy.kernels.base import Site
from deploy.kernels.class_memory import PortableAccumulate, PortableErase, PortableMajority
from deploy.kernels.xpulp import TEAM, SharedByTeam


class XpulpAccumulate(SharedByTeam, PortableAccumulate):
    """``ek_accumulate_xpulp``, ``ek_accumulate_bits_xpulp``."""

    name = "accumulate_xpulp"
    header = "xpulpv2/class_memory.h"

    def cycles(self, site: Site) -> float:
        return super().cycles(site) / TEAM


class XpulpErase(SharedByTeam, PortableErase):
    """``ek_erase_xpulp``."""

    name = "erase_xpulp"
    header = "xpulpv2/class_memory.h"

    def cycles(self, site: Site) -> float:
        return super().cycles(site) / TEAM


class XpulpMajority(SharedByTeam, PortableMajority):
    """``ek_counter_majority_xpulp``: a core reads only what its own words need, which may not be where it writes."""

    name = "majority_xpulp"
    header = "xpulpv2/counter_majority.h"

    def cycles(self, site: Site) -> float:
        return super().cycles(site) / TEAM

    def inplace(self, site: Site) -> tuple[int, ...]:
        return ()
