"""Storage orders that are chosen for a network."""

from __future__ import annotations

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.layers import Lowered, lower
from deploy.layout import channels_last, column_by_column, planar
from quant.graph import Graph, GraphBuilder
from quant.ops import Conv, Reshape
from quant.requant import Requant


def conv(outputs: int, inputs: int, kernel: tuple[int, int], groups: int = 1, real: float = 0.01) -> Conv:
    """Columns are padded so that their number stays as it is."""
    weight = np.ones((outputs, inputs, *kernel), np.int64)
    requant = Requant.from_real(np.full(outputs, real), zero_point=0, lo=-128, hi=127)
    left, right = kernel[1] // 2, (kernel[1] - 1) // 2
    return Conv(weight, np.zeros(outputs, np.int64), requant, (1, 1), (1, 1), (0, left, 0, right), groups)


def temporal_first(real: float = 0.01) -> Graph:
    builder = GraphBuilder("temporal first")
    x = builder.input("x", (1, 6, 80), zero_point=0, scale=0.1)
    x = builder.add("temporal", conv(4, 1, (1, 33), real=real), x, scale=0.1)
    builder.output(builder.add("spatial", conv(8, 1, (6, 1), groups=4), x, scale=0.1))
    return builder.build()


def spatial_first() -> Graph:
    builder = GraphBuilder("spatial first")
    x = builder.input("x", (1, 6, 80), zero_point=0, scale=0.1)
    x = builder.add("electrodes", Reshape((6, 1, 80)), x)
    x = builder.add("spatial", conv(8, 6, (1, 1)), x, scale=0.1)
    x = builder.add("temporal", conv(8, 1, (1, 33), groups=8), x, scale=0.1)
    builder.output(builder.add("mix", conv(4, 8, (1, 3)), x, scale=0.1))
    return builder.build()


def kernels(low: Lowered) -> dict[str, str]:
    return {layer.node.name: layer.kernel.name for layer in low.layers}


def test_a_map_between_rows_and_columns_is_stored_column_by_column() -> None:
    low = lower(temporal_first(), load_board("gap8"))
    assert kernels(low) | {"spatial": "columns_xpulp", "temporal": "rows_xpulp"} == kernels(low)
    assert low.layouts["temporal"] == column_by_column((4, 6, 80))


def test_planes_stay_planes_and_the_reshape_copies_nothing() -> None:
    low = lower(spatial_first(), load_board("gap8"))
    assert kernels(low)["spatial"] == "planes_xpulp"
    assert kernels(low)["temporal"] == "rows_xpulp"
    assert "electrodes" not in kernels(low)
    assert low.layouts["spatial"].same_order(planar((8, 1, 80)))
    assert low.layouts["temporal"].same_order(channels_last((8, 1, 80)))


def test_channels_last_where_no_kernel_asks_for_anything_else() -> None:
    low = lower(temporal_first(), load_board("stm32l475"))
    assert low.layouts["temporal"] == channels_last((4, 6, 80))


@pytest.mark.parametrize("real", [0.01, 0.6])
def test_a_scale_of_the_full_form_keeps_the_kernels_that_know_it(real: float) -> None:
    low = lower(temporal_first(real), load_board("gap8"))
    assert (kernels(low)["temporal"] == "rows_xpulp") == (real < 0.25)
    assert low.layouts["temporal"].same_order(channels_last((4, 6, 80))) == (real > 0.25)
