"""Operators that make bits, box by box: every tile gives its part of the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deploy.region import by_bytes
from deploy.tile import channel_unit, cut, output_region
from quant import bits
from quant.dtypes import DType
from quant.ops import Binarize, LevelEncode, Op, Project
from tests.firmware.case import Case, tensor
from tests.firmware.harness import site_of

SHAPES = ((150,), (70, 5))
OPS: tuple[tuple[str, Op], ...] = (
    ("one threshold", Binarize(np.array(100))),
    ("sparse", Project(141, 2**64 - 3, "sparse", 7)),
    ("gaussian", Project(67, 9, "gaussian")),
    ("signs", Project(67, 9)),
    ("thermometer", LevelEncode("thermometer", 9)),
    ("gray", LevelEncode("gray", 6)),
)


def thresholds(shape: tuple[int, ...]) -> tuple[str, Op]:
    return "thresholds", Binarize(np.arange(shape[0]) * 300 - 20_000)


@pytest.mark.parametrize(
    ("shape", "op"),
    [pytest.param(shape, op, id=f"{name} {shape}") for shape in SHAPES for name, op in (*OPS, thresholds(shape))],
)
def test_tiles_give_their_part(shape: tuple[int, ...], op: Op) -> None:
    x = tensor(shape, 0, DType.S16)
    values = np.random.default_rng(0).integers(-(2**15), 2**15, shape)
    site = site_of(Case("encoder", op, (x,), (values,)))
    expected = op.evaluate([values[None]], [x])[0]
    region = output_region(site)
    assert region == by_bytes(site.output)
    _, width, row = region.size
    unit = max(channel_unit(site), bits.WORD // 8)
    for columns in {(0, width), (0, 1), (width // 2, width)}:
        for first in range(0, row, unit):
            channels = first, min(row, first + unit)
            tile = cut(site, replace(region, ranges=((0, 1), columns, channels)))
            (seen,) = tile.inputs
            along = (slice(*columns),)[: len(shape) - 1]
            part = values[(slice(*seen.ranges[2]), *along)]
            found = tile.site.op.evaluate([part[None]], list(tile.site.inputs))[0]
            wanted = expected[(slice(8 * channels[0], 8 * channels[1]), *along)]
            assert np.array_equal(found, wanted) and tile.site.output.shape == wanted.shape
