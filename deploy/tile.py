"""What an operator has to see and to know to compute one box of its output: the operator itself, on smaller tensors.

A kernel needs nothing for tiles: it packs and describes the small problem as it does any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any, TypeVar, cast

import numpy as np

from deploy.box import Box, Range, start
from deploy.kernels.base import Site
from deploy.layout import channels_last
from deploy.region import Region, by_bytes, flat, whole
from quant import bits, splitmix
from quant.dtypes import DType
from quant.graph import Tensor
from quant.ops import (
    Add,
    AveragePool,
    Binarize,
    BinaryConv,
    BinaryDense,
    Bind,
    Bundle,
    Conv,
    Dense,
    Hamming,
    LevelEncode,
    MaxPool,
    Op,
    Project,
    Requantize,
    Table,
    Threshold,
)
from quant.ops.pool import Window
from quant.requant import Requant

Binary = TypeVar("Binary", BinaryConv, BinaryDense)


@dataclass(frozen=True)
class Tile:
    """One box of an output.

    Attributes:
        site: the operator on the tile; pads may be negative, or larger than the tile.
        inputs: what it reads of every input.
        output: what it writes.
    """

    site: Site
    inputs: tuple[Region, ...]
    output: Region


def tileable(op: Op) -> bool:
    """Whether the operator's output can be computed box by box."""
    return type(op) in _CUTTERS


def output_region(site: Site) -> Region:
    """The whole output, in the axes that it may be cut along."""
    if isinstance(site.op, (BinaryConv, Binarize, LevelEncode, Project)):
        return by_bytes(site.output)
    return whole(site.output, site.out_layout) if isinstance(site.op, (Conv, Window)) else flat(site.output)


def channel_unit(site: Site) -> int:
    """Output channels that belong together: a tile holds a multiple of them."""
    op, y = site.op, site.output
    whole_rows = isinstance(op, LevelEncode) or (isinstance(op, Project) and len(y.shape) > 1)
    if whole_rows:
        return bits.nbytes(y.shape[0])
    return len(op.weight) // op.groups if isinstance(op, Conv) and op.groups > 1 else 1


def cut(site: Site, output: Region) -> Tile:
    """The tile that computes ``output``, a part of :func:`output_region`."""
    return _CUTTERS[type(site.op)](site, output)


def _cut_conv(site: Site, output: Region) -> Tile:
    op = cast(Conv, site.op)
    first, last = output.ranges[2]
    per_group = len(op.weight) // op.groups
    groups = (first // per_group, -(-last // per_group)) if op.groups > 1 else (0, 1)
    channels = op.weight.shape[1]
    x = whole(site.inputs[0], site.layouts[0])
    seen, pads = _seen(x, output, op.kernel, op.strides, op.dilations, op.pads)
    seen = replace(seen, ranges=(*seen.ranges[:2], (groups[0] * channels, groups[1] * channels)))
    part = replace(
        op,
        weight=op.weight[first:last],
        bias=op.bias[first:last],
        requant=_channels(op.requant, first, last),
        pads=pads,
        groups=groups[1] - groups[0],
    )
    return _tile(site, part, (seen,), output)


def _cut_pool(site: Site, output: Region) -> Tile:
    op = cast(Window, site.op)
    x = whole(site.inputs[0], site.layouts[0])
    seen, pads = _seen(x, output, op.kernel, op.strides, (1,) * len(op.kernel), op.pads)
    seen = replace(seen, ranges=(*seen.ranges[:2], output.ranges[2]))
    return _tile(site, replace(op, pads=pads), (seen,), output)


def _cut_dense(site: Site, output: Region) -> Tile:
    op = cast(Dense, site.op)
    first, last = output.ranges[2]
    part = replace(
        op, weight=op.weight[first:last], bias=op.bias[first:last], requant=_channels(op.requant, first, last)
    )
    y = _shrunk(site.output, (last - first,))
    small = Site(site.name, part, site.inputs, y, site.layouts, channels_last(y.shape))
    return Tile(small, (flat(site.inputs[0]),), output)


def _cut_elements(site: Site, output: Region) -> Tile:
    """Operators on one element at a time: any box, as a flat tensor; of bits by bytes."""
    shape = (prod(output.shape) * (8 if site.output.dtype is DType.B1 else 1),)
    inputs = tuple(_shrunk(x, shape) for x in site.inputs)
    layout = channels_last(shape)
    part = Site(site.name, site.op, inputs, _shrunk(site.output, shape), (layout,) * len(inputs), layout)
    return Tile(part, tuple(_operand(site, i, output) for i in range(len(inputs))), output)


def _cut_binary_dense(site: Site, output: Region) -> Tile:
    """Outputs; where they are bits, whole words of them."""
    op = _outputs(cast(BinaryDense, site.op), site.output, output)
    y = _shrunk(site.output, (len(op.weight),))
    small = Site(site.name, op, site.inputs, y, site.layouts, channels_last(y.shape))
    return Tile(small, (flat(site.inputs[0]),), output)


def _cut_binary_conv(site: Site, output: Region) -> Tile:
    """Rows, columns and outputs, of all bits of the input's positions."""
    op, x = cast(BinaryConv, site.op), site.inputs[0]
    seen, pads = _seen(by_bytes(x), output, op.kernel, op.strides, op.dilations, op.pads)
    part = replace(_outputs(op, site.output, output), pads=pads)
    rank = len(op.kernel)
    small = _shrunk(x, (x.shape[0], *seen.shape[2 - rank : 2]))
    y = _shrunk(site.output, (len(part.weight), *output.shape[2 - rank : 2]))
    layouts = channels_last(small.shape), channels_last(y.shape)
    return Tile(Site(site.name, part, (small,), y, layouts[:1], layouts[1]), (seen,), output)


def _outputs(op: Binary, y: Tensor, output: Region) -> Binary:
    """The layer with the outputs of a region only."""
    first, last = (8 * at if y.dtype is DType.B1 else at for at in output.ranges[2])
    finish = op.finish
    if isinstance(finish, Threshold):
        finish = Threshold(finish.levels[first:last])
    elif finish is not None:
        finish = _channels(finish, first, last)
    return replace(op, weight=op.weight[first:last], bias=op.bias[first:last], finish=finish)


def _cut_hamming(site: Site, output: Region) -> Tile:
    """Classes, with their rows of the memory and how many samples they have seen."""
    op = cast(Hamming, site.op)
    (first, last), each = output.ranges[2], op.centroids
    part, xs, seen = op, [site.inputs[0]], [flat(site.inputs[0])]
    if op.memory is not None:
        part = replace(op, memory=op.memory[:, first * each : last * each])
    else:
        memory = site.inputs[1]
        row = each * bits.nbytes(memory.shape[0])
        xs.append(_shrunk(memory, (memory.shape[0], (last - first) * each)))
        seen.append(replace(flat(memory), ranges=((0, 1), (0, 1), (first * row, last * row))))
    if op.counted:
        xs.append(_shrunk(site.inputs[-1], (last - first,)))
        seen.append(replace(flat(site.inputs[-1]), ranges=output.ranges))
    layouts = tuple(channels_last(x.shape) for x in xs)
    y = _shrunk(site.output, (last - first,))
    return Tile(Site(site.name, part, tuple(xs), y, layouts, channels_last(y.shape)), tuple(seen), output)


def _cut_bind(site: Site, output: Region) -> Tile:
    """Any words, as a flat tensor of bits."""
    op, (first, last) = cast(Bind, site.op), output.ranges[2]
    if op.key is not None:
        words = bits.pack(np.moveaxis(op.key, 0, -1)).ravel()[first // 4 : last // 4]
        op = replace(op, key=bits.unpack(words, 8 * (last - first)))
    if op.seed is not None:
        op = replace(op, first=first // 4, channels=site.output.shape[0])
    return _cut_elements(replace(site, op=op), output)


def _cut_bundle(site: Site, output: Region) -> Tile:
    """Some words of every position."""
    x, count = site.inputs[0], 8 * output.bytes
    seen = Region((1, x.shape[1], bits.nbytes(x.shape[0])), ((0, 1), (0, x.shape[1]), output.ranges[2]), 1)
    small, y = _shrunk(x, (count, x.shape[1])), _shrunk(site.output, (count,))
    part = Site(site.name, site.op, (small,), y, (channels_last(small.shape),), channels_last(y.shape))
    return Tile(part, (seen,), output)


def _cut_binarize(site: Site, output: Region) -> Tile:
    """Rows, columns and words of channels."""
    op = cast(Binarize, site.op)
    channels = _channels_of_bits(site, output)
    if np.ndim(op.threshold):
        op = replace(op, threshold=op.threshold[slice(*channels)])
    return _cut_encoder(site, op, output, replace(whole(site.inputs[0]), ranges=(*output.ranges[:2], channels)))


def _cut_level_encode(site: Site, output: Region) -> Tile:
    """Positions, each with all its values, because its statistics are theirs."""
    return _cut_encoder(site, site.op, output, _all_values(site, output))


def _cut_project(site: Site, output: Region) -> Tile:
    """Positions, or rows of the only one: the words of their rows are those of another seed."""
    op, (first, last) = cast(Project, site.op), _channels_of_bits(site, output)
    row = output.ranges[1][0] * op.dimension + first
    ahead = row * op.row_words(site.inputs[0].shape[0]) * splitmix.GAMMA
    part = replace(op, dimension=last - first, seed=(op.seed + ahead) % splitmix.SEEDS)
    return _cut_encoder(site, part, output, _all_values(site, output))


def _channels_of_bits(site: Site, output: Region) -> Range:
    """The channels whose bits lie in the words of a region."""
    first, last = output.ranges[2]
    return 8 * first, min(8 * last, site.output.shape[0])


def _all_values(site: Site, output: Region) -> Region:
    x = whole(site.inputs[0])
    return replace(x, ranges=(*output.ranges[:2], x.ranges[2]))


def _cut_encoder(site: Site, part: Op, output: Region, seen: Region) -> Tile:
    """``part`` on what it sees of its input."""
    first, last = _channels_of_bits(site, output)
    x = _boxed(site.inputs[0], seen)
    y = _shrunk(site.output, (last - first, *x.shape[1:]))
    return Tile(Site(site.name, part, (x,), y, (channels_last(x.shape),), channels_last(y.shape)), (seen,), output)


def _operand(site: Site, position: int, output: Region) -> Region:
    """The elements of an input that belong to ``output``: its box lies in what the operator takes of that input."""
    x, take = site.inputs[position], site.take(position)
    full = whole(x) if output.size == whole(site.output).size else flat(x)
    firsts = _firsts(take) if full == whole(x) else (0, 0, start(take, x.shape))
    top, left, first = ((a + at, b + at) for (a, b), at in zip(output.ranges, firsts, strict=True))
    return replace(full, ranges=(top, left, first))


def _firsts(take: Box) -> tuple[int, int, int]:
    """First row, column and channel."""
    top, left = [0] * (3 - len(take)) + [first for first, _ in take[1:]]
    return top, left, take[0][0]


def _seen(
    x: Region,
    output: Region,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    pads: tuple[int, ...],
) -> tuple[Region, tuple[int, ...]]:
    """Rows and columns of the input that windows see, and the pads of the tile: begin of each axis, then end."""
    rank = len(kernel)
    spans = list(x.ranges)
    before, after = [], []
    for axis in range(rank):
        at = 2 - rank + axis
        if output.shape[at] == output.size[at]:  # all of it, so that a resident input stays in one piece
            pad = pads[axis], pads[rank + axis]
        else:
            spans[at], pad = _span(
                output.ranges[at], x.size[at], kernel[axis], strides[axis], dilations[axis], pads[axis]
            )
        before.append(pad[0])
        after.append(pad[1])
    return replace(x, ranges=(spans[0], spans[1], spans[2])), (*before, *after)


def _span(out: Range, size: int, kernel: int, stride: int, dilation: int, pad: int) -> tuple[Range, Range]:
    """What the windows of outputs ``out`` see of an axis of ``size``, and the padding before and behind it.

    Windows that see nothing but padding get the element next to it.
    """
    start = out[0] * stride - pad
    stop = (out[1] - 1) * stride - pad + (kernel - 1) * dilation + 1
    first = min(max(start, 0), size - 1)
    last = max(min(stop, size), first + 1)
    return (first, last), (first - start, stop - last)


def _tile(site: Site, op: Op, inputs: tuple[Region, ...], output: Region) -> Tile:
    xs = tuple(_boxed(x, seen) for x, seen in zip(site.inputs, inputs, strict=True))
    y = _boxed(site.output, output)
    layouts = tuple(layout.resized(x.shape) for layout, x in zip(site.layouts, xs, strict=True))
    return Tile(Site(site.name, op, xs, y, layouts, site.out_layout.resized(y.shape)), inputs, output)


def _boxed(tensor: Tensor, region: Region) -> Tensor:
    height, width, channels = region.shape
    return _shrunk(tensor, (channels, *(height, width)[3 - len(tensor.shape) :]))


def _shrunk(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    return replace(tensor, shape=shape)


def _channels(requant: Requant, first: int, last: int) -> Requant:
    if np.ndim(requant.m) == 0:
        return requant
    return replace(requant, m=requant.m[first:last], a=requant.a[first:last], s=requant.s[first:last])


_CUTTERS: dict[type[Any], Callable[[Site, Region], Tile]] = {
    Conv: _cut_conv,
    AveragePool: _cut_pool,
    MaxPool: _cut_pool,
    Dense: _cut_dense,
    Add: _cut_elements,
    Table: _cut_elements,
    Requantize: _cut_elements,
    Hamming: _cut_hamming,
    Bind: _cut_bind,
    BinaryConv: _cut_binary_conv,
    BinaryDense: _cut_binary_dense,
    Bundle: _cut_bundle,
    Binarize: _cut_binarize,
    LevelEncode: _cut_level_encode,
    Project: _cut_project,
}
