"""How a group of layers is cut so that it fits the scratchpad: a grid of tiles, and the bytes that they move.

Everything that is not resident in L1 streams through it: tiles of inputs and output, and constants by output channel.
A stream has two slots, so that the DMA fills one while the cores work on the other. One is enough for what never
changes, and in a group of several layers: what one of them reads is loaded while another one computes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from deploy.box import Range
from deploy.cluster import Cluster
from deploy.group import Group
from deploy.kernels.base import Call
from deploy.layers import Layer
from deploy.memory import aligned
from deploy.tile import Tile, channel_unit
from quant.dtypes import DType
from quant.ops import Conv

BLOCK = 4  # outputs and positions that the kernels compute together
COLUMNS = 32  # columns that a kernel along rows computes together
STEP_CYCLES = 300  # waiting for the DMA and two barriers, once per tile and layer

Sizes = tuple[int, int, int]


@dataclass(frozen=True)
class Streams:
    """What of a group does not lie in L1: inputs of its first layer by position, and the output of its last one."""

    inputs: frozenset[int]
    output: bool


@dataclass(frozen=True)
class Work:
    """One tile of one layer with the kernel calls that compute it."""

    layer: Layer
    tile: Tile
    calls: tuple[Call, ...]

    @property
    def channels(self) -> Range:
        return self.tile.output.ranges[2]

    @property
    def scratch(self) -> int:
        return max(call.scratch for call in self.calls)

    @property
    def constant_bytes(self) -> int:
        """Of all calls, each array aligned."""
        return sum(aligned(array.nbytes) for call in self.calls for array in call.arrays)


@dataclass(frozen=True)
class Stream:
    """Slots in L1 that the tiles of one operand take in turn; no slot: it is resident, or there is nothing."""

    slots: int
    bytes: int

    @property
    def l1_bytes(self) -> int:
        return self.slots * aligned(self.bytes)


@dataclass(frozen=True)
class Tiling:
    """A group as tiles.

    Attributes:
        visits: for every tile the work of each layer, in the order in which they run; none where the group works on
            whole tensors, wherever they lie.
        counts: tiles along (height, width, channels).
        inputs: of the first layer; ``output``: of the last one.
        between: bytes of the largest tile between each layer and the next one.
        constants, scratch: by layer.
        cycles: estimate, for choosing between tilings.
    """

    visits: tuple[tuple[Work, ...], ...]
    counts: Sizes
    inputs: tuple[Stream, ...]
    output: Stream
    between: tuple[int, ...]
    constants: tuple[Stream, ...]
    scratch: tuple[int, ...]
    cycles: float

    @property
    def l1_bytes(self) -> int:
        """What the group needs in L1 beside resident tensors."""
        streams = (*self.inputs, self.output, *self.constants)
        return sum(s.l1_bytes for s in streams) + _inside(self.between, self.scratch)

    @property
    def constant_total(self) -> int:
        """Bytes of all constants."""
        pieces = {(w.layer.index, w.channels): w.constant_bytes for visit in self.visits for w in visit}
        return sum(pieces.values())


def _inside(between: Sequence[int], scratch: Sequence[int]) -> int:
    """Bytes of scratch memory and of tiles between layers that are alive together, at most."""
    edges = (0, *map(aligned, between), 0)
    return max(edges[i] + edges[i + 1] + aligned(size) for i, size in enumerate(scratch))


def _slots(group: Group, pieces: int) -> int:
    """Slots of a stream that takes so many different pieces."""
    return min(1 if group.fused else 2, pieces)


def choose_tiling(group: Group, streams: Streams, budget: int, cluster: Cluster, once: bool = False) -> Tiling | None:
    """The cheapest tiling that needs at most ``budget`` bytes of L1 beside resident tensors; None where none does.

    ``once``: every constant is loaded once only, whatever that costs in inputs.
    """
    if not group.tileable:
        return _uncut(group, cluster)
    if not group.fused or not (streams.inputs or streams.output):
        one = _built(group, streams, group.region.size, True, cluster)
        if one.l1_bytes <= budget:
            return one
    for _, sizes, channels_outside in sorted(_candidates(group, streams, budget, cluster, once)):
        tiling = _built(group, streams, sizes, channels_outside, cluster)
        pieces = ([work.tile for work in visit] for visit in tiling.visits)
        if tiling.l1_bytes <= budget and all(_contiguous(streams, tiles) for tiles in pieces):
            return tiling
    return None


def smallest(group: Group, cluster: Cluster) -> Tiling:
    """The group in the smallest tiles that there are, everything streaming: for messages."""
    height, width, channels = (sizes[0] for sizes in _sizes(group))
    everything = Streams(frozenset(range(len(group.first.site.inputs))), True)
    return _built(group, everything, (height, width, channels), True, cluster)


def _uncut(group: Group, cluster: Cluster) -> Tiling:
    nothing = Stream(0, 0)
    cycles = sum(layer.kernel.cycles(layer.site) for layer in group.layers)
    scratch = tuple(layer.scratch_bytes for layer in group.layers)
    return Tiling((), (1, 1, 1), (nothing,) * len(group.first.site.inputs), nothing, (), (nothing,), scratch, cycles)


def _sizes(group: Group) -> list[list[int]]:
    """Tile sizes worth trying along each axis, ascending."""
    height, width, channels = group.region.size
    step = min(channels, math.lcm(_channel_unit(group), BLOCK))
    widths = sorted({*_parts(width, 1), *_parts(width, COLUMNS)})
    return [_parts(height, 1), widths, _parts(channels, step)]


def _channel_unit(group: Group) -> int:
    """Output channels that belong together; all of them where one needs what lies between layers whole."""
    channels = group.region.size[2]
    unit = 1
    for layer in reversed(group.layers):
        op, y = layer.site.op, layer.site.output
        own = channels if y.dtype is DType.B1 else y.shape[0]  # bits are cut by bytes, in whole words
        if channels % own and own % channels:
            return channels
        unit = math.lcm(unit, math.ceil(channels * channel_unit(layer.site) / own))
        if layer is not group.first and isinstance(op, Conv) and not op.depthwise:
            return channels
    return unit


def _parts(size: int, step: int) -> list[int]:
    """Sizes of equal parts, multiples of ``step`` but for the whole."""
    parts = {-(-size // count) for count in range(1, size + 1)}
    return sorted({min(size, -(-part // step) * step) for part in parts})


def _candidates(
    group: Group, streams: Streams, budget: int, cluster: Cluster, once: bool
) -> Iterator[tuple[float, Sizes, bool]]:
    """(estimated cycles, tile size, whether channels are the outer loop) of what seems to fit."""
    constants = sum(aligned(array.nbytes) for ly in group.layers for call in ly.calls for array in call.arrays)
    heights, widths, depths = _sizes(group)
    pieces = {channels: _constant_bytes(group, channels) for channels in depths}
    rows = [(height, widths[-1]) for height in heights]
    strips = [(heights[0], width) for width in widths[:-1]]  # columns are cut where a single row is too much
    for (height, width), channels in product([*rows, *strips], depths):
        sizes = (height, width, channels)
        tiles = _largest(group, sizes)
        parts = -(-group.region.size[2] // channels)
        seen = [tiles[0].inputs[i] for i in sorted(streams.inputs)]
        needed = sum(aligned(region.bytes) * _slots(group, 1 if region.whole else 2) for region in seen)
        needed += aligned(tiles[-1].output.bytes) * streams.output * _slots(group, 1 if tiles[-1].output.whole else 2)
        needed += _slots(group, parts) * pieces[channels]
        if needed > budget or not _contiguous(streams, tiles):
            continue
        scratch = [layer.kernel.scratch(tile.site) for layer, tile in zip(group.layers, tiles, strict=True)]
        if needed + _inside([tile.output.bytes for tile in tiles[:-1]], scratch) > budget:
            continue
        for channels_outside in (True,) if once else (True, False):
            yield _cycles(group, streams, sizes, channels_outside, tiles, constants, cluster), sizes, channels_outside


def _constant_bytes(group: Group, channels: int) -> int:
    """Bytes of the constants of that many output channels."""
    works = _works(group, _largest(group, (1, 1, channels)))
    return sum(aligned(work.constant_bytes) for work in works)


def _cycles(
    group: Group,
    streams: Streams,
    sizes: Sizes,
    channels_outside: bool,
    tiles: Sequence[Tile],
    constants: int,
    cluster: Cluster,
) -> float:
    """Estimated cycles: the slower of cores and DMA, what neither hides at the start, and a fixed part per tile."""
    full = group.region
    rows, columns, parts = (-(-n // size) for n, size in zip(full.size, sizes, strict=True))
    positions = rows * columns
    streamed = sum(tiles[0].inputs[i].bytes for i in streams.inputs)
    all_channels = tiles[0].inputs[0].shape[2] == tiles[0].inputs[0].size[2]
    kept = all_channels and (positions == 1 or not channels_outside)
    moved = streamed * positions * (1 if kept else parts)
    moved += constants * (1 if channels_outside or parts == 1 else positions) + full.bytes * streams.output
    compute = 0.0
    for layer, tile in zip(group.layers, tiles, strict=True):
        cycles = max(layer.kernel.cycles(layer.site), layer.kernel.cycles(tile.site) * positions * parts)
        compute += cycles / cluster.cores * _imbalance(tile, cluster.cores)
    rate = cluster.dma.rate_in / 256
    first = (streamed + constants / parts) / rate
    return max(compute, moved / rate) + first + STEP_CYCLES * positions * parts * len(group.layers)


def _imbalance(tile: Tile, cores: int) -> float:
    """How much longer the last core works than the average one."""
    height, width, channels = tile.output.shape
    units = -(-height * width // BLOCK) * -(-channels // BLOCK)
    return -(-units // cores) * cores / units


def _largest(group: Group, sizes: Sizes) -> tuple[Tile, ...]:
    """A tile inside: the first one may lack a halo."""
    full = group.region
    height, width = (
        ((n - size) // 2, (n - size) // 2 + size) for n, size in zip(full.size[:2], sizes[:2], strict=True)
    )
    return group.cut(replace(full, ranges=(height, width, (0, sizes[2]))))


def _contiguous(streams: Streams, tiles: Sequence[Tile]) -> bool:
    """Whether every tile of a resident tensor is one piece of it: kernels see tiles as tensors of their own."""
    resident = [region for i, region in enumerate(tiles[0].inputs) if i not in streams.inputs]
    if not streams.output:
        resident.append(tiles[-1].output)
    return all(region.lines[1] == region.lines[2] == 1 for region in resident)


def _built(group: Group, streams: Streams, sizes: Sizes, channels_outside: bool, cluster: Cluster) -> Tiling:
    full = group.region
    rows, columns, channels = (
        [(start, min(start + size, n)) for start in range(0, n, size)] for n, size in zip(full.size, sizes, strict=True)
    )
    if channels_outside:
        boxes = [(h, w, c) for c in channels for h in rows for w in columns]
    else:
        boxes = [(h, w, c) for h in rows for w in columns for c in channels]
    visits = [_works(group, group.cut(replace(full, ranges=box))) for box in boxes]
    constants = sum(aligned(array.nbytes) for ly in group.layers for call in ly.calls for array in call.arrays)
    cycles = _cycles(group, streams, sizes, channels_outside, _largest(group, sizes), constants, cluster)
    return _tiling(group, streams, (len(rows), len(columns), len(channels)), visits, cycles)


def _works(group: Group, tiles: Sequence[Tile]) -> tuple[Work, ...]:
    pairs = zip(group.layers, tiles, strict=True)
    return tuple(Work(layer, tile, tuple(layer.kernel.calls(tile.site))) for layer, tile in pairs)


def _tiling(group: Group, streams: Streams, counts: Sizes, visits: Sequence[tuple[Work, ...]], cycles: float) -> Tiling:
    by_layer = list(zip(*visits, strict=True))
    first, last = by_layer[0], by_layer[-1]
    pieces = [max(work.constant_bytes for work in works) for works in by_layer]
    return Tiling(
        tuple(visits),
        counts,
        tuple(_input_stream(group, first, i, i in streams.inputs) for i in range(len(first[0].tile.inputs))),
        Stream(_slots(group, len(visits)) if streams.output else 0, max(work.tile.output.bytes for work in last)),
        tuple(max(work.tile.output.bytes for work in works) for works in by_layer[:-1]),
        tuple(Stream(_slots(group, counts[2]) if size else 0, size) for size in pieces),
        tuple(max(work.scratch for work in works) for works in by_layer),
        cycles,
    )


def _input_stream(group: Group, works: Sequence[Work], position: int, streams: bool) -> Stream:
    regions = [work.tile.inputs[position] for work in works]
    distinct = len({region.ranges for region in regions})
    return Stream(_slots(group, distinct) if streams else 0, max(region.bytes for region in regions))
