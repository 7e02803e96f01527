"""Numbers to bits with DSP instructions, Armv7E-M."""

from __future__ import annotations

from typing import cast

import numpy as np

from deploy.kernels.base import Site
from deploy.kernels.encoders import PortableBinarize, PortableLevelEncode, PortableProject
from quant.dtypes import DType
from quant.ops import Binarize, Project


class DspBinarize(PortableBinarize):
    """``ek_binarize_dsp``: two int16 at a time, one threshold."""

    name = "binarize_dsp"
    isa = "dsp"
    header = "armv7em/binarize.h"
    mnemonics = ("ssub16", "sel")
    function = "ek_binarize_dsp"
    per_element = 3.5

    def unsupported(self, site: Site) -> str | None:
        x, threshold = site.inputs[0], np.asarray(cast(Binarize, site.op).threshold)
        if x.dtype is not DType.S16 or x.shape[0] < 32:
            return "it takes 32 int16 at a time"
        inside = threshold.size == 1 and x.dtype.low <= threshold.min() <= x.dtype.high
        return None if inside else "it compares with one int16"


class DspLevelEncode(PortableLevelEncode):
    """``ek_level_encode_dsp``: sums of squares by SMLALD, of values by SMLAD."""

    name = "level_encode_dsp"
    isa = "dsp"
    header = "armv7em/level_encode.h"
    mnemonics = ("smlald", "smlad")
    function = "ek_level_encode_dsp"
    per_sum = 2.0

    def unsupported(self, site: Site) -> str | None:
        return "it adds two values at a time" if site.inputs[0].shape[0] < 2 else None


class DspProject(PortableProject):
    """``ek_project_dsp``: a chain of UMULL for places, pairs of lanes for entries of neighbours."""

    name = "project_dsp"
    isa = "dsp"
    header = "armv7em/project.h"
    mnemonics = ("umull",)
    function = "ek_project_dsp"
    per_word = 32.0
    per_entry = 6.5, 2.2, 5.0

    def unsupported(self, site: Site) -> str | None:
        op = cast(Project, site.op)
        return "rows have no whole word" if site.inputs[0].shape[0] < op.per_word * op.block else None
