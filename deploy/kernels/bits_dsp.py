"""Operators on bits with carry-save adders, Armv7E-M."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deploy.kernels.base import Call, Site
from deploy.kernels.bits import PortableHamming


class DspHamming(PortableHamming):
    """``ek_hamming_dsp``: carry-save adders."""

    name = "hamming_dsp"
    isa = "dsp"
    header = "armv7em/hamming.h"
    mnemonics = ("usada8",)
    per_word = 9.5

    def calls(self, site: Site) -> Sequence[Call]:
        (call,) = super().calls(site)
        return [replace(call, function=call.function.replace("ek_hamming", "ek_hamming_dsp"))]
