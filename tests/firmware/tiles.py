"""Pieces of layers as a tiler cuts them: part of the output, and some part of the input around its windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

import deploy.tile
from deploy.kernels.base import Kernel, Site
from deploy.layout import channels_last
from deploy.region import Region
from deploy.tile import channel_unit, output_region
from quant.graph import Tensor
from quant.ops import Conv
from quant.requant import Requant
from tests.firmware.case import Case
from tests.firmware.harness import GUARD, Run, site_of, sites_of


def cut_requant(requant: Requant, outputs: slice) -> Requant:
    if requant.channels is None:
        return requant
    return replace(requant, m=requant.m[outputs], a=requant.a[outputs], s=requant.s[outputs])


def cut_axis(rng: np.random.Generator, op: Conv, axis: int, size: int, out: int) -> tuple[slice, slice, int]:
    """Output range, input range and leading pad of a tile along one axis.

    The input may begin before the first window or behind its first taps, and may be the least that is allowed: one row.
    """
    first = int(rng.integers(out))
    last = int(rng.integers(first, out)) + 1
    start = first * op.strides[axis] - op.pads[axis]
    stop = (last - 1) * op.strides[axis] - op.pads[axis] + (op.kernel[axis] - 1) * op.dilations[axis] + 1
    begin = min(max(start - int(rng.integers(3)), 0), size - 1)
    end = max(min(stop + int(rng.integers(3)), size), begin + 1)
    return slice(first, last), slice(begin, end), begin - start


def cut(rng: np.random.Generator, case: Case, kernel: Kernel, offset: int) -> Run:
    """A random piece of a convolution as a run of its own."""
    op, site = cast(Conv, case.op), site_of(case)
    x, y, rank = site.inputs[0], site.output, len(op.kernel)
    whole = op.evaluate([case.values[0][None].astype(np.int64)], list(site.inputs))[0]
    axes = [cut_axis(rng, op, a, x.shape[a + 1], y.shape[a + 1]) for a in range(rank)]
    outputs, channels, groups = slice(0, len(op.weight)), slice(0, x.shape[0]), op.groups
    if op.groups == 1:
        first = int(rng.integers(len(op.weight)))
        outputs = slice(first, int(rng.integers(first, len(op.weight))) + 1)
    elif op.depthwise:
        first = int(rng.integers(op.groups))
        channels = slice(first, int(rng.integers(first, op.groups)) + 1)
        each = len(op.weight) // op.groups
        outputs, groups = slice(channels.start * each, channels.stop * each), channels.stop - channels.start
    values = case.values[0][(channels, *(seen for _, seen, _ in axes))]
    wanted = whole[(outputs, *(made for made, _, _ in axes))]
    pads = tuple(pad for _, _, pad in axes) + (0,) * rank
    piece = replace(
        op,
        weight=op.weight[outputs],
        bias=op.bias[outputs],
        requant=cut_requant(op.requant, outputs),
        pads=pads,
        groups=groups,
    )
    given = replace(x, shape=values.shape)
    made = Tensor("y", wanted.shape, y.dtype, y.zero_point)
    stored = (channels_last(given.shape),)
    tile = replace(site, op=piece, inputs=(given,), output=made, layouts=stored, out_layout=channels_last(made.shape))
    return Run(replace(case, op=piece, values=(values,)), kernel, tile, offset, wanted=wanted)


def exact(rng: np.random.Generator, case: Case, site: Site, kernel: Kernel, offset: int) -> Run:
    """A random box of a convolution's output, cut as the tiler does it."""
    full, unit = output_region(site), channel_unit(site)
    ranges = []
    for size, step in zip(full.size, (1, 1, unit), strict=True):
        first = int(rng.integers(size // step))
        ranges.append((first * step, int(rng.integers(first, size // step) + 1) * step))
    tile = deploy.tile.cut(site, replace(full, ranges=tuple(ranges)))
    whole = cast(Conv, case.op).evaluate([case.values[0][None].astype(np.int64)], list(site.inputs))[0]
    values, wanted = (_box(array, region) for array, region in ((case.values[0], tile.inputs[0]), (whole, tile.output)))
    return Run(replace(case, op=tile.site.op, values=(values,)), kernel, tile.site, offset, wanted=wanted)


def _box(values: NDArray[np.int64], region: Region) -> NDArray[np.int64]:
    """What a region holds of a tensor, in its logical axes."""
    height, width, channels = (slice(*bounds) for bounds in region.ranges)
    return values[(channels, *(height, width)[3 - values.ndim :])]


def tile_runs(cases: Iterable[Case], kernels: Iterable[Kernel], each: int, seed: int = 5) -> list[Run]:
    """``each`` pieces of every convolution, if the kernel takes them."""
    rng, runs, offset = np.random.default_rng(seed), list[Run](), 0
    for case in cases:
        for kernel in kernels:
            for site in sites_of(case, kernel) if isinstance(case.op, Conv) and kernel.op is Conv else ():
                for _ in range(each):
                    plain = kernel.reads == kernel.writes == (channels_last,)
                    run = cut(rng, case, kernel, offset) if plain else exact(rng, case, site, kernel, offset)
                    if kernel.unsupported(run.site) is None:
                        runs.append(run)
                        offset += (run.room + GUARD + 7) // 8 * 8
    return runs
