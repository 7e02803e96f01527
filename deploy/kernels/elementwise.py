"""Operators on one value at a time (table, requantize) and argmax."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import cast

import numpy as np

from deploy.kernels.base import Array, Call, Kernel, Site
from deploy.kernels.packing import records, requant_fields
from quant.ops import ArgMax, Requantize, Table


class PortableTable(Kernel):
    """``ek_table``."""

    name = "table"
    op = Table
    header = "table.h"

    def calls(self, site: Site) -> Sequence[Call]:
        table = Array("table", "int8_t", cast(Table, site.op).table)
        return [Call("ek_table", ("ek_table_geometry", {"elements": site.output.elements}), arrays=(table,))]

    def cycles(self, site: Site) -> float:
        return 7.0 * site.output.elements

    def inplace(self, site: Site) -> tuple[int, ...]:
        return (0,)


class PortableRequantize(Kernel):
    """``ek_requantize_tensor``: the input's zero point is the record's bias."""

    name = "requantize"
    op = Requantize
    header = "requantize.h"

    def calls(self, site: Site) -> Sequence[Call]:
        requant, x = cast(Requantize, site.op).requant, site.inputs[0]
        sizes = {"elements": site.output.elements, "in_bits": x.dtype.bits}
        factor = Array("factor", "int32_t", records(requant, np.array([-x.zero_point])))
        geometry = ("ek_requantize_geometry", {**sizes, **requant_fields(requant)})
        return [Call("ek_requantize_tensor", geometry, arrays=(factor,))]

    def cycles(self, site: Site) -> float:
        return 15.0 * site.output.elements

    def inplace(self, site: Site) -> tuple[int, ...]:
        """Elements that do not grow are written behind the reading."""
        return (0,) if site.output.dtype.bits <= site.inputs[0].dtype.bits else ()


class PortableArgMax(Kernel):
    """``ek_argmax`` along any axis."""

    name = "argmax"
    op = ArgMax
    header = "argmax.h"

    def calls(self, site: Site) -> Sequence[Call]:
        axis, shape = cast(ArgMax, site.op).axis, site.inputs[0].shape
        stored = (*shape[1:], shape[0])
        at = (axis - 1) % len(shape)  # channels are stored last
        fields = {"outer": prod(stored[:at]), "axis": stored[at], "inner": prod(stored[at + 1 :])}
        return [Call("ek_argmax", ("ek_argmax_geometry", fields))]

    def cycles(self, site: Site) -> float:
        return 8.0 * site.inputs[0].elements
