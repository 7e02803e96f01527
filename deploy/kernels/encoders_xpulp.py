"""Numbers to bits on a team of cores, XpulpV2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deploy.kernels.base import Call, Site
from deploy.kernels.encoders import PortableBinarize, PortableLevelEncode, PortableProject
from deploy.kernels.xpulp import TEAM


class XpulpBinarize(PortableBinarize):
    """``ek_binarize_xpulp``: cores share words."""

    name = "binarize_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/binarize.h"
    team = True
    function = "ek_binarize_xpulp"
    per_element = 6.0


class XpulpLevelEncode(PortableLevelEncode):
    """``ek_level_sums_xpulp``: every core sums of its share; ``ek_level_words_xpulp``: cores share blocks of words."""

    name = "level_encode_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/level_encode.h"
    mnemonics = ("pv.dotsp.h", "pv.sdotsp.h")
    team = True
    per_sum = 3.0

    def calls(self, site: Site) -> Sequence[Call]:
        (call,) = super().calls(site)
        x = site.inputs[0]
        scratch = 3 * 4 * TEAM * (x.elements // x.shape[0])
        return [
            replace(call, function=function, scratch=scratch)
            for function in ("ek_level_sums_xpulp", "ek_level_words_xpulp")
        ]


class XpulpProject(PortableProject):
    """``ek_project_xpulp``: cores share words of 32 rows."""

    name = "project_xpulp"
    isa = "xpulpv2"
    header = "xpulpv2/project.h"
    mnemonics = ("p.mulun", "p.machhun")
    team = True
    function = "ek_project_xpulp"
    per_word = 45.0
    per_entry = 9.5, 2.2, 4.5
