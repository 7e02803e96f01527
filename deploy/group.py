"""Consecutive layers that run depth-first, tile by tile, so that what lies between them is never stored whole.

Most groups hold one layer.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploy.layers import Layer, Lowered
from deploy.region import Region, whole
from deploy.tile import Tile, cut, output_region, tileable
from quant.ops import Conv, Requantize, Table
from quant.ops.pool import Window


@dataclass(frozen=True)
class Group:
    """Layers that are cut together.

    Attributes:
        index: its place in the order of execution.
    """

    index: int
    layers: tuple[Layer, ...]

    @property
    def first(self) -> Layer:
        return self.layers[0]

    @property
    def last(self) -> Layer:
        return self.layers[-1]

    @property
    def fused(self) -> bool:
        return len(self.layers) > 1

    @property
    def tileable(self) -> bool:
        """Whether it can be computed box by box; otherwise it works on whole tensors, wherever they lie."""
        return all(tileable(layer.site.op) for layer in self.layers)

    @property
    def region(self) -> Region:
        """The whole output, in the axes that it may be cut along."""
        site = self.last.site
        return whole(site.output, site.out_layout) if self.fused else output_region(site)

    @property
    def spatial_region(self) -> Region:
        """The whole output as rows, columns and channels."""
        return whole(self.last.site.output, self.last.site.out_layout)

    def cut(self, output: Region) -> tuple[Tile, ...]:
        """What every layer computes so that the last one can compute ``output``."""
        tiles: list[Tile] = []
        for layer in reversed(self.layers):
            tiles.insert(0, cut(layer.site, output))
            output = tiles[0].inputs[0]
        return tuple(tiles)


def single(low: Lowered) -> list[Group]:
    """Every layer on its own."""
    return [Group(layer.index, (layer,)) for layer in low.layers]


def merged(groups: list[Group], at: int) -> list[Group]:
    """The groups with number ``at`` and the one behind it as one."""
    pair = groups[at].layers + groups[at + 1].layers
    rest = [*(g.layers for g in groups[:at]), pair, *(g.layers for g in groups[at + 2 :])]
    return [Group(index, layers) for index, layers in enumerate(rest)]


def fusible(low: Lowered, before: Group, after: Group) -> bool:
    """Whether what lies between two neighbours has one reader, who reads all of it, and both can be cut into rows and
    columns."""
    tensor = before.last.node.output
    readers = [ly for ly in low.layers if tensor in {low.storage[name] for name in ly.node.inputs}]
    return (
        all(spatial(layer) for layer in (*before.layers, *after.layers))
        and after.first.node.inputs == (tensor,)
        and readers == [after.first]
        and tensor not in {low.storage[t.name] for t in low.graph.all_outputs}
        and _reads_everything(after.first)
    )


def spatial(layer: Layer) -> bool:
    """Whether it can be cut into rows and columns."""
    return isinstance(layer.site.op, (Conv, Window, Table, Requantize)) and len(layer.site.output.shape) > 1


def _reads_everything(layer: Layer) -> bool:
    """Whether the tiles of its output together read all that is stored of its input: no other tile would compute it."""
    site, op = layer.site, layer.site.op
    shape = site.inputs[0].shape
    if site.take(0) != tuple((0, size) for size in shape):
        return False
    if not isinstance(op, Conv | Window):
        return True
    dilations = op.dilations if isinstance(op, Conv) else (1,) * len(op.kernel)
    axes = zip(shape[1:], site.output.shape[1:], op.kernel, op.strides, dilations, op.pads, strict=False)
    return all(
        pad >= 0
        and (outputs - 1) * stride - pad + (kernel - 1) * dilation >= size - 1
        and (outputs == 1 or stride <= (kernel - 1) * dilation + 1)
        for size, outputs, kernel, stride, dilation, pad in axes
    )
