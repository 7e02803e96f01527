"""A group of layers in tiles on one core: which box every layer computes, where it reads and where it writes.

Every core but a cluster's reads a stored tensor where it lies, whatever box of it a tile needs, and keeps what lies
between two fused layers in a buffer as large as the largest tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from deploy.group import Group
from deploy.kernels.base import Call, Site
from deploy.kernels.packing import hwc
from deploy.layers import Layer
from deploy.region import Region
from deploy.tile import Tile
from quant.ops import Conv
from quant.ops.pool import Window


@dataclass(frozen=True)
class Piece:
    """One layer's share of one tile.

    Attributes:
        site: the node as its kernel sees it.
        x, y: byte offsets of the operands in the memory of the layer's input and output.
        region: the part of the output that it computes; None: all of it.
    """

    layer: Layer
    site: Site
    x: int = 0
    y: int = 0
    region: Region | None = None

    @property
    def scratch(self) -> int:
        """Bytes of working memory."""
        return self.layer.scratch_bytes if self.region is None else self.layer.kernel.scratch(self.site)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The kernel calls; constants are the whole layer's, because every tile has all channels."""
        if self.region is None:
            return self.layer.calls
        pairs = zip(self.layer.kernel.calls(self.site), self.layer.calls, strict=True)
        return tuple(replace(call, arrays=whole.arrays) for call, whole in pairs)


@dataclass(frozen=True)
class Tiled:
    """A group and the tiles that it runs in, one after the other, all layers for each.

    Attributes:
        visits: for every tile the piece of each layer; a layer that is not cut has one piece.
        counts: tiles along (height, width).
    """

    group: Group
    visits: tuple[tuple[Piece, ...], ...]
    counts: tuple[int, int] = (1, 1)

    @property
    def cut(self) -> bool:
        """Whether it runs in tiles at all."""
        return self.visits[0][0].region is not None

    @property
    def passing(self) -> list[str]:
        """Tensors between its layers, which are never stored whole."""
        return [layer.node.output for layer in self.group.layers[:-1]]

    @property
    def runnable(self) -> bool:
        """Whether the layers' kernels take all pieces."""
        pieces = (piece for visit in self.visits for piece in visit)
        return all(piece.layer.kernel.unsupported(piece.site) is None for piece in pieces)

    @cached_property
    def between(self) -> tuple[int, ...]:
        """Bytes of the largest tile of every layer's output but the last one's, which is stored whole."""
        return tuple(max(piece.site.output.nbytes for piece in self.pieces(k)) for k in range(len(self.visits[0]) - 1))

    @cached_property
    def scratch(self) -> tuple[int, ...]:
        """Bytes of working memory of every layer, for its largest tile."""
        return tuple(max(piece.scratch for piece in self.pieces(k)) for k in range(len(self.visits[0])))

    def pieces(self, position: int) -> list[Piece]:
        """Of one layer of the group, tile by tile."""
        return [visit[position] for visit in self.visits]


def uncut(layer: Layer) -> Tiled:
    """A layer on its own, in one go."""
    return Tiled(Group(layer.index, (layer,)), ((Piece(layer, layer.site),),))


def sizes(group: Group) -> list[tuple[int, int]]:
    """(height, width) of the tiles worth trying, large ones first; none where the group cannot be cut.

    Rows are cut where there are several: what is stored stays in one piece. Otherwise columns are.
    """
    height, width, _ = group.spatial_region.size
    first = group.first.site
    if height == 1 < hwc(first.inputs[0])[0] and not isinstance(first.op, (Conv, Window)):
        return []  # its kernel takes a tensor in one piece, and a few columns of many rows are none
    along = height if height > 1 else width
    parts = sorted({-(-along // count) for count in _counts(along)}, reverse=True)
    return [(part, width) if height > 1 else (1, part) for part in parts]


def _counts(size: int) -> Iterator[int]:
    """Numbers of tiles: all small ones, then every few."""
    count = 2
    while count < 2 * size:
        yield min(count, size)
        count += max(1, count // 4)


def in_tiles(group: Group, size: tuple[int, int]) -> Tiled:
    """The group in tiles of ``size`` (height, width) of its last layer's output; the last ones may be smaller."""
    full = group.spatial_region
    rows, columns = (
        [(start, min(start + step, n)) for start in range(0, n, step)]
        for n, step in zip(full.size[:2], size, strict=True)
    )
    visits = []
    for row in rows:
        for column in columns:
            tiles = group.cut(replace(full, ranges=(row, column, full.ranges[2])))
            visits.append(_pieces(group, tiles))
    return Tiled(group, tuple(visits), (len(rows), len(columns)))


def _pieces(group: Group, tiles: tuple[Tile, ...]) -> tuple[Piece, ...]:
    """The first layer reads from, the last one writes to a whole tensor."""
    pieces = []
    for position, (layer, tile) in enumerate(zip(group.layers, tiles, strict=True)):
        site, x = _in_place(tile) if position == 0 else (tile.site, 0)
        y = tile.output.offset if position == len(tiles) - 1 else 0
        pieces.append(Piece(layer, site, x, y, tile.output))
    return tuple(pieces)


def _in_place(tile: Tile) -> tuple[Site, int]:
    """The tile as a kernel finds it in a stored tensor, and the byte offset of the pointer that it gets.

    Rows of a box of columns are as far apart as those of the whole tensor: the kernel is told of the whole width. It
    starts at the box where the box is all that it sees, and at the tensor's first column where padding follows behind
    the last one.
    """
    seen = tile.inputs[0]
    if seen.lines[1] == 1:
        return tile.site, seen.offset
    op, x = cast(Conv | Window, tile.site.op), tile.site.inputs[0]
    wide = replace(x, shape=(*x.shape[:-1], seen.size[1]))
    pads, first = list(op.pads), seen.ranges[1][0]
    offset = seen.offset
    if pads[-1] > 0:
        pads[len(pads) // 2 - 1] -= first
        offset -= first * seen.size[2] * seen.item
    return replace(tile.site, op=replace(op, pads=tuple(pads)), inputs=(wide,)), offset
