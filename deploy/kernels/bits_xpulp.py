"""Operators on bits with p.cnt and hardware loops, XpulpV2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from deploy.kernels.base import Call, Site
from deploy.kernels.bits import PortableBind, PortableBundle, PortableHamming
from deploy.kernels.xpulp import TEAM, SharedByTeam
from quant.ops import Bind, Hamming


class XpulpHamming(PortableHamming):
    """``ek_hamming_words_xpulp``: every core its share of the words; ``ek_hamming_join_xpulp``: the nearest rows."""

    name = "hamming_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/hamming.h"
    mnemonics = ("lp.setup", "p.lw", "p.cnt")
    team = True
    per_word = 4.5

    def calls(self, site: Site) -> Sequence[Call]:
        op, (call,) = cast(Hamming, site.op), super().calls(site)
        scratch = 4 * TEAM * op.centroids * site.output.elements
        tensor, seen = "_tensor" * (op.memory is None), "_seen" * op.counted
        inputs, last = (0, 1) if tensor else (0,), len(site.inputs) - 1 if seen else 0
        return [
            replace(call, function=f"ek_hamming_words{tensor}_xpulp", inputs=inputs, scratch=scratch),
            Call(f"ek_hamming_join{seen}_xpulp", call.geometry, (last,), scratch=scratch),
        ]

    def cycles(self, site: Site) -> float:
        return super().cycles(site) + 8.0 * 60.0


class XpulpBindSeed(SharedByTeam, PortableBind):
    """``ek_bind_seed_xpulp``: the team shares the words."""

    name = "bind_seed_xpulp"
    header = "xpulpv2/bind.h"

    def unsupported(self, site: Site) -> str | None:
        return "its key comes from no seed" if cast(Bind, site.op).seed is None else None

    def cycles(self, site: Site) -> float:
        return super().cycles(site) / 2


class XpulpBind(XpulpBindSeed):
    """``ek_bind_xpulp`` and ``ek_bind_key_xpulp``: two words at a time."""

    name = "bind_xpulp"
    mnemonics = ("lp.setup", "p.lw", "p.sw")

    def unsupported(self, site: Site) -> str | None:
        return None if cast(Bind, site.op).seed is None else "its key comes from a seed"


class XpulpBundle(SharedByTeam, PortableBundle):
    """``ek_majority_xpulp``, which keeps seven planes in registers, or ``ek_parity_xpulp``."""

    name = "bundle_xpulp"
    header = "xpulpv2/bundle.h"
    mnemonics = ("lp.setup", "p.lw")
    per_word = 8.0
    planes = 7
