"""Average and maximum pooling; global pooling is a window as large as the input."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar, cast

import numpy as np

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.packing import records, requant_fields, window_fields
from quant.ops import AveragePool, MaxPool
from quant.ops.pool import Window


def pool_fields(site: Site) -> dict[str, int]:
    """Fields of ``ek_pool_geometry`` but for the requantization."""
    op, x = cast(Window, site.op), site.inputs[0]
    window = window_fields(x, site.output, op.kernel, op.strides, op.pads)
    return {**window, "in_zero": x.zero_point}


def window_elements(site: Site) -> int:
    """Elements of all windows of all channels."""
    return prod(cast(Window, site.op).kernel) * site.output.elements


class PortableAveragePool(Kernel):
    """``ek_average_pool``: one channel at a time."""

    name = "average_pool"
    op = AveragePool
    header = "pool.h"
    function: ClassVar[str] = "ek_average_pool"
    per_element: ClassVar[float] = 5.0

    def calls(self, site: Site) -> Sequence[Call]:
        requant = cast(AveragePool, site.op).requant
        fields = {**pool_fields(site), **requant_fields(requant)}
        factor = Array("factor", "int32_t", records(requant, np.zeros(1, np.int64)))
        return [Call(self.function, ("ek_pool_geometry", fields), arrays=(factor,))]

    def cycles(self, site: Site) -> float:
        return self.per_element * window_elements(site) + 30.0 * site.output.elements


class DspAveragePool(PortableAveragePool):
    """``ek_average_pool_sxtab16``: four channels at a time in int16 lanes."""

    name = "average_pool_sxtab16"
    isa = "dsp"
    header = "armv7em/pool.h"
    mnemonics = ("sxtab16",)
    function = "ek_average_pool_sxtab16"
    per_element = 1.8

    def unsupported(self, site: Site) -> str | None:
        return None if site.output.shape[0] >= 4 else "it takes four channels at a time"


class PortableMaxPool(Kernel):
    """``ek_max_pool``: one channel at a time."""

    name = "max_pool"
    op = MaxPool
    header = "pool.h"
    function: ClassVar[str] = "ek_max_pool"
    per_element: ClassVar[float] = 5.0

    def calls(self, site: Site) -> Sequence[Call]:
        return [Call(self.function, ("ek_pool_geometry", pool_fields(site)))]

    def cycles(self, site: Site) -> float:
        return self.per_element * window_elements(site) + 5.0 * site.output.elements


class DspMaxPool(PortableMaxPool):
    """``ek_max_pool_sel``: four channels at a time, SSUB8 compares and SEL chooses."""

    name = "max_pool_sel"
    isa = "dsp"
    header = "armv7em/pool.h"
    mnemonics = ("ssub8", "sel")
    function = "ek_max_pool_sel"
    per_element = 1.5

    def unsupported(self, site: Site) -> str | None:
        return None if site.output.shape[0] >= 4 else "it takes four channels at a time"
