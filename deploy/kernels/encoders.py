"""Numbers to bits, portable: thresholds, thermometer and Gray-like codes, random projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.packing import low_word
from quant.ops import Binarize, LevelEncode, Project
from quant.ops.level_encode import DEVIATIONS


class PortableBinarize(Kernel):
    """``ek_binarize``."""

    name = "binarize"
    op = Binarize
    header = "binarize.h"
    function = "ek_binarize"
    per_element = 7.0

    def calls(self, site: Site) -> Sequence[Call]:
        x, threshold = site.inputs[0], np.asarray(cast(Binarize, site.op).threshold)
        channels = x.shape[0]
        sizes = {"channels": channels, "positions": x.elements // channels, "in_bits": x.dtype.bits}
        geometry = ("ek_binarize_geometry", {**sizes, "several": int(threshold.size > 1)})
        return [Call(self.function, geometry, arrays=(Array("threshold", "int32_t", threshold.ravel()),))]

    def cycles(self, site: Site) -> float:
        return self.per_element * site.output.elements


class PortableLevelEncode(Kernel):
    """``ek_level_encode``."""

    name = "level_encode"
    op = LevelEncode
    header = "level_encode.h"
    function = "ek_level_encode"
    per_sum = 5.0  # and value

    def calls(self, site: Site) -> Sequence[Call]:
        return [Call(self.function, self.geometry(site))]

    def geometry(self, site: Site) -> tuple[str, dict[str, int]]:
        """Type and fields of the geometry."""
        op, x = cast(LevelEncode, site.op), site.inputs[0]
        fields = {
            "values": x.shape[0],
            "positions": x.elements // x.shape[0],
            "bits": op.bits,
            "levels": op.levels,
            "deviations": DEVIATIONS[op.code],
            "gray": int(op.code == "gray"),
            "stride": 1 << (op.bits - 2).bit_length() >> 1,
        }
        return "ek_level_encode_geometry", fields

    def cycles(self, site: Site) -> float:
        """Statistics of every position, and of every value its sums, its level and the parts of its word."""
        op, x = cast(LevelEncode, site.op), site.inputs[0]
        word = 15.0 if op.code == "thermometer" else 22.0 + 8.0 * (op.bits - 2).bit_length()
        each = self.per_sum + 15.0 + word * -(-op.bits // 32)
        return 3000.0 * x.elements / x.shape[0] + each * x.elements


SPARSE, SIGNS, GAUSSIAN = range(3)  # of ek_project_geometry


class PortableProject(Kernel):
    """``ek_project``: no matrix, rows are drawn again for every input."""

    name = "project"
    op = Project
    header = "project.h"
    function = "ek_project"
    per_word = 90.0
    per_entry = 14.0, 12.0, 20.0  # by form

    def calls(self, site: Site) -> Sequence[Call]:
        op, x = cast(Project, site.op), site.inputs[0]
        fields = {
            "values": x.shape[0],
            "positions": x.elements // x.shape[0],
            "dimension": op.dimension,
            "form": self._form(op),
            "block": op.block,
            "of_half": op.per_word // 2,
            "row_words": op.row_words(x.shape[0]),
            "seed_low": low_word(op.seed),
            "seed_high": low_word(op.seed >> 32),
        }
        return [Call(self.function, ("ek_project_geometry", fields))]

    def cycles(self, site: Site) -> float:
        op, n = cast(Project, site.op), site.inputs[0].shape[0]
        row = self.per_word * op.row_words(n) + self.per_entry[self._form(op)] * op.blocks(n)
        return row * site.output.elements

    def executed_macs(self, site: Site) -> int:
        return site.output.elements * cast(Project, site.op).blocks(site.inputs[0].shape[0])

    @staticmethod
    def _form(op: Project) -> int:
        return GAUSSIAN if op.distribution == "gaussian" else SIGNS if op.block == 1 else SPARSE
