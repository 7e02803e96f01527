"""Storage orders."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest

from deploy.layout import Layout, channels_last, column_by_column, planar, with_logical_boundaries
from quant.graph import GraphBuilder
from quant.ops import Reshape
from quant.reference import run


@pytest.mark.parametrize("shape", [(5,), (3, 4), (1, 7), (3, 1), (2, 3, 4), (3, 1, 1)])
def test_store_and_load_are_inverse(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape)
    for layout in (channels_last(shape), planar(shape)):
        assert np.array_equal(layout.load(layout.store(values), shape), values)


def test_channels_last_puts_channels_together() -> None:
    values = np.array([[0, 1, 2], [10, 11, 12]])
    assert channels_last((2, 3)).store(values).tolist() == [0, 10, 1, 11, 2, 12]


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 3, 5), (4, 1, 1), (6,)])
def test_one_channel_or_one_position_is_plain(shape: tuple[int, ...]) -> None:
    assert channels_last(shape).plain
    assert channels_last(shape).same_order(planar(shape))


@pytest.mark.parametrize("shape", [(4,), (2, 3), (1, 6), (2, 3, 4), (2, 1, 4), (1, 3, 1), (5, 3, 1)])
def test_same_order_compares_elements(shape: tuple[int, ...]) -> None:
    layouts = [order(shape) for order in (channels_last, planar, column_by_column)]
    layouts.append(Layout((prod(shape),), (0,)))
    for one, other in product(layouts, repeat=2):
        assert one.same_order(other) == np.array_equal(one.order, other.order)


def test_column_by_column() -> None:
    values = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    assert column_by_column((2, 3, 4)).store(values)[:6].tolist() == [0, 4, 8, 12, 16, 20]
    assert column_by_column((2, 3)).same_order(channels_last((2, 3)))


def test_plain_agrees_with_order() -> None:
    assert not channels_last((2, 3)).plain
    assert Layout((2, 1, 3), (1, 0, 2)).plain


def test_borders_get_copies_only_where_order_differs() -> None:
    builder = GraphBuilder("borders")
    builder.output(builder.add("flat", Reshape((12,)), builder.input("x", (3, 4))))
    graph = builder.build()
    bordered = with_logical_boundaries(graph)
    assert [node.name for node in bordered.nodes] == ["x.layout", "flat"]
    x = np.arange(12).reshape(1, 3, 4)
    assert np.array_equal(run(graph, {"x": x})["flat"], run(bordered, {"x": x})["flat"])
