"""Packing, refusals and counts of the kernels for lines of one channel and for columns."""

from __future__ import annotations

import numpy as np
import pytest

from deploy.kernels.base import Kernel
from deploy.kernels.columns_dsp import SmlaColumns, pack_columns
from deploy.kernels.conv_dsp import SmladConv, SmladDepthwise
from deploy.kernels.conv_line import SmladLine, pack_lines
from tests.deploy.kernels.test_conv_dsp import lanes, site


@pytest.mark.parametrize("taps", range(1, 9))
def test_a_line_has_every_tap_once_for_each_alignment(taps: int) -> None:
    weight = np.arange(1, 2 * taps + 1).reshape(2, taps)
    steps = lanes(pack_lines(weight)).reshape(2, -1, 2, 2)  # (outputs, steps, even or odd column, lanes)
    assert steps.shape[1] == taps // 2 + 1
    for output in range(2):
        even, odd = steps[output, :, 0].ravel(), steps[output, :, 1].ravel()
        assert even.tolist() == [*weight[output], *[0] * (len(even) - taps)]
        assert odd.tolist() == [0, *weight[output], *[0] * (len(odd) - taps - 1)]


@pytest.mark.parametrize("each", [1, 2])
def test_columns_hold_both_outputs_of_a_channel_in_a_word(each: int) -> None:
    rows, channels = 3, 8
    weight = np.arange(channels * each * rows).reshape(channels * each, rows)
    packed = lanes(pack_columns(weight, channels)).reshape(channels // 4, rows, 4, 2)
    for channel in range(channels):
        for row in range(rows):
            word = packed[channel // 4, row, channel % 4]
            assert word.tolist() == [weight[channel * each, row], weight[channel * each + 1, row] if each == 2 else 0]


@pytest.mark.parametrize(
    ("kernel", "shape", "outputs", "taps", "pads", "groups", "stride", "reason"),
    [
        (SmladLine(), (2, 3, 30), 4, (1, 5), (0, 2, 0, 2), 1, 1, "one input channel"),
        (SmladLine(), (1, 3, 30), 4, (2, 5), (0, 2, 0, 2), 1, 1, "one row of taps"),
        (SmladLine(), (1, 3, 30), 4, (1, 5), (1, 2, 0, 2), 1, 1, "one row of taps"),
        (SmladLine(), (1, 3, 30), 4, (1, 5), (0, 2, 0, 2), 1, 2, "neighbours"),
        (SmlaColumns(), (8, 5, 6), 8, (5, 1), (0, 0, 0, 0), 4, 1, "one input channel"),
        (SmlaColumns(), (8, 5, 6), 8, (5, 2), (0, 0, 0, 0), 8, 1, "one column of taps"),
        (SmlaColumns(), (8, 5, 6), 8, (5, 1), (1, 0, 0, 0), 8, 1, "no padding"),
        (SmlaColumns(), (6, 5, 6), 6, (5, 1), (0, 0, 0, 0), 6, 1, "multiple of four"),
        (SmlaColumns(), (4, 5, 6), 12, (5, 1), (0, 0, 0, 0), 4, 1, "one or two outputs"),
    ],
)
def test_what_they_do_not_take(
    kernel: Kernel,
    shape: tuple[int, ...],
    outputs: int,
    taps: tuple[int, int],
    pads: tuple[int, ...],
    groups: int,
    stride: int,
    reason: str,
) -> None:
    refused = kernel.unsupported(site(shape, outputs, taps, pads, groups=groups, stride=stride))
    assert refused is not None and reason in refused


def test_lanes_of_a_line() -> None:
    """Blocks of six outputs, a step for every two taps and one more, on every row."""
    where = site((1, 22, 1125), 8, (1, 64), (0, 31, 0, 32))
    assert SmladLine().executed_macs(where) == 8 * 22 * 188 * 6 * 2 * 33
    assert SmladLine().scratch(where) == 2 * (1120 + 2 * 33 + 4)


def test_they_are_estimated_cheaper_where_they_are_made_for() -> None:
    line, columns = site((1, 22, 96), 8, (1, 64), (0, 31, 0, 32)), site((8, 22, 96), 16, (22, 1), (0,) * 4, groups=8)
    assert SmladLine().cycles(line) < SmladConv().cycles(line)
    assert SmlaColumns().cycles(columns) < SmladDepthwise().cycles(columns)


def test_a_line_may_take_the_place_of_its_input() -> None:
    assert SmladLine().inplace(site((1, 1, 20), 2, (1, 3), (0, 1, 0, 1))) == (0,)
    assert SmladLine().inplace(site((1, 2, 20), 2, (1, 3), (0, 1, 0, 1))) == ()
    assert SmladLine().inplace(site((4, 1, 20), 4, (1, 3), (0, 1, 0, 1), groups=4)) == ()
