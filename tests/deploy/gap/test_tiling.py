"""The tiler on its own: what it returns never needs more than it was given, and covers the output exactly once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.boards import load_board
from deploy.gap.tiling import Streams, Tiling, choose_tiling, smallest
from deploy.group import Group
from deploy.layers import Layer, lower
from quant.graph import GraphBuilder
from quant.ops import Add, Conv, Dense, Table
from quant.ops.base import Op
from tests.deploy.graphs import requant

BOARD = load_board("gap8")
CLUSTER = BOARD.cluster
assert CLUSTER is not None
RANDOM = np.random.default_rng(0)


def layer(op: Op, shape: tuple[int, ...], inputs: int = 1) -> Layer:
    """The one layer of a network with this operator."""
    builder = GraphBuilder("one")
    names = [builder.input(f"x{i}", shape, zero_point=-5, scale=0.1) for i in range(inputs)]
    names = [builder.add(f"t{i}", Table(np.arange(-128, 128), -5), name, scale=0.1) for i, name in enumerate(names)]
    y = builder.add("layer", op, *names, scale=0.1)
    builder.output(builder.add("end", Table(np.arange(-128, 128), 0), y, scale=0.1))
    return next(ly for ly in lower(builder.build(), BOARD).layers if ly.node.name == "layer")


def conv(inputs: int, outputs: int, kernel: tuple[int, ...], **attributes: object) -> Conv:
    weight = RANDOM.integers(-127, 128, (outputs, inputs, *kernel))
    rank = len(kernel)
    op = Conv(
        weight, np.zeros(outputs, np.int64), requant(RANDOM, outputs, 3), (1,) * rank, (1,) * rank, (1,) * 2 * rank
    )
    return replace(op, **attributes)  # type: ignore[arg-type]


LAYERS = {
    "conv": layer(conv(12, 20, (3, 3)), (12, 33, 30)),
    "strided": layer(conv(5, 7, (4,), strides=(3,), dilations=(5,), pads=(20, 3)), (5, 200)),
    "depthwise": layer(conv(1, 24, (3, 3), groups=24), (24, 19, 21)),
    "dense": layer(
        Dense(RANDOM.integers(-127, 128, (300, 40)), np.zeros(300, np.int64), requant(RANDOM, 300, 0)), (40,)
    ),
    "add": layer(Add.from_scales((0.1, -5), (0.1, -5), (0.2, 0)), (7, 500), 2),
}
EVERYTHING = Streams(frozenset({0}), True)


@given(st.sampled_from(sorted(LAYERS)), st.integers(0, 12_000), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_tiles_fit_and_cover_the_output_once(name: str, budget: int, inputs: bool, output: bool) -> None:
    one = LAYERS[name]
    group = Group(0, (one,))
    streams = Streams(frozenset(range(len(one.site.inputs)) if inputs else ()), output)
    tiling = choose_tiling(group, streams, budget, CLUSTER)
    if tiling is None:
        return
    assert tiling.l1_bytes <= budget
    check_cover(group, tiling)


def check_cover(group: Group, tiling: Tiling) -> None:
    covered = np.zeros(group.region.size, int)
    for visit in tiling.visits:
        region = visit[-1].tile.output
        covered[tuple(slice(*span) for span in region.ranges)] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_the_smallest_tiling_is_the_limit(name: str) -> None:
    group = Group(0, (LAYERS[name],))
    streams = Streams(frozenset(range(len(LAYERS[name].site.inputs))), True)
    least = smallest(group, CLUSTER)
    assert choose_tiling(group, streams, least.l1_bytes, CLUSTER) is not None
    assert choose_tiling(group, streams, least.l1_bytes // 4, CLUSTER) is None


def test_one_tile_where_it_fits() -> None:
    tiling = choose_tiling(Group(0, (LAYERS["conv"],)), EVERYTHING, 60_000, CLUSTER)
    assert tiling is not None and tiling.counts == (1, 1, 1)
    assert (tiling.inputs[0].slots, tiling.output.slots, tiling.constants[0].slots) == (1, 1, 1)


def test_halos_are_loaded_with_the_tile() -> None:
    tiling = choose_tiling(Group(0, (LAYERS["conv"],)), EVERYTHING, 12_000, CLUSTER)
    assert tiling is not None and max(tiling.counts[:2]) > 1
    rows = [visit[0].tile for visit in tiling.visits]
    for tile in rows:
        for axis in (0, 1):
            start, stop = tile.output.ranges[axis]
            size = tile.inputs[0].size[axis]
            assert tile.inputs[0].ranges[axis] == (max(start - 1, 0), min(stop + 1, size))
