"""What the XpulpV2 declarations share: folded zero points, packing by fours, the size of a team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from deploy.kernels.base import Call, Kernel, Site
from deploy.kernels.packing import high_form, records
from quant.ops import Conv
from quant.requant import Requant

TEAM = 8  # cores that scratch memory is declared for
OUTPUTS = 4  # EK_OUTPUTS of xpulpv2/mac_block.h
LANES = 4  # int8 values of a word


def up(value: int, multiple: int) -> int:
    """``value`` rounded up to a multiple."""
    return -(-value // multiple) * multiple


def high_only(site: Site) -> str | None:
    """Why a kernel that knows neither the full form of records nor wider outputs cannot take a convolution."""
    requant = cast(Conv, site.op).requant
    return None if high_form(requant) and requant.dtype.bits == 8 else "it scales to int8 by the high word only"


def folded(bias: NDArray[np.int64], weight: NDArray[np.int64], zero_point: int) -> NDArray[np.int64]:
    """The bias of sums over x instead of x - z_x; padding then has to be z_x."""
    return bias - zero_point * weight.reshape(len(weight), -1).sum(axis=1)


def filled_records(requant: Requant, bias: NDArray[np.int64], groups: int = 1) -> NDArray[np.int64]:
    """Records of ``packing.records``; every group's outputs are filled up to whole blocks with records of zeros."""
    words = records(requant, bias).reshape(groups, len(bias) // groups, -1)
    return np.pad(words, ((0, 0), (0, -words.shape[1] % OUTPUTS), (0, 0))).ravel()


def interleaved(segments: NDArray[np.int64], groups: int = 1) -> NDArray[np.int64]:
    """Weights (out, segment, byte) as int8 in reading order: per group, four outputs, segment: word, output, lane.

    Segments are filled up to whole words, outputs of a group to whole blocks.
    """
    out, count, size = segments.shape
    grouped = segments.reshape(groups, out // groups, count, size)
    fill = ((0, 0), (0, -grouped.shape[1] % OUTPUTS), (0, 0), (0, -size % LANES))
    full = np.pad(grouped, fill).reshape(-1, OUTPUTS, count, up(size, LANES) // LANES, LANES)
    return full.transpose(0, 2, 3, 1, 4).ravel()


class SharedByTeam(Kernel):
    """The calls of a portable kernel, whose C functions a team shares; stands in front of it among a kernel's bases."""

    isa = "xpulpv2"
    team = True

    def calls(self, site: Site) -> Sequence[Call]:
        given: Sequence[Call] = super().calls(site)  # type: ignore[safe-super]
        return [replace(call, function=f"{call.function}_xpulp") for call in given]
