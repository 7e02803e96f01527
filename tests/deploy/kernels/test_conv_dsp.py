"""Packing, scratch and counts of the SMLAD convolution."""

from __future__ import annotations

import numpy as np
import pytest

from deploy.kernels.base import Site
from deploy.kernels.conv import PortableConv, PortableDepthwise
from deploy.kernels.conv_dsp import SmladConv, SmladDepthwise, pack_weights, pair_order
from quant.graph import Tensor
from quant.ops import Conv
from quant.requant import Requant
from tests.firmware.case import Case
from tests.firmware.harness import site_of


def site(
    shape: tuple[int, ...],
    outputs: int,
    kernel: tuple[int, ...],
    pads: tuple[int, ...],
    dilation: int = 1,
    groups: int = 1,
    stride: int = 1,
) -> Site:
    rank = len(kernel)
    weight = np.ones((outputs, shape[0] // groups, *kernel), np.int64)
    requant = Requant.of(1 << 30, 40, zero_point=0, lo=-128, hi=127)
    op = Conv(weight, np.zeros(outputs, np.int64), requant, (stride,) * rank, (dilation,) * rank, pads, groups)
    return site_of(Case("conv", op, (Tensor("x", shape),), (np.zeros(shape, np.int64),)))


def lanes(words: np.ndarray) -> np.ndarray:
    """Signed (low, high) of each word."""
    return np.stack([words & 0xFFFF, words >> 16], axis=-1).astype(np.uint16).view(np.int16)


@pytest.mark.parametrize("channels", range(1, 14))
def test_every_channel_is_in_one_pair_but_an_odd_last_one(channels: int) -> None:
    seen = [channel for pair in pair_order(channels) for channel in pair]
    assert sorted(seen) == list(range(channels - channels % 2))


def test_reading_order() -> None:
    weight = np.arange(3 * 3 * 2).reshape(3, 3, 1, 2) - 9  # 3 outputs, 3 channels, 2 taps
    packed = lanes(pack_weights(weight, 1)).tolist()
    pairs_of_first_two = [[weight[o, 0, 0, k], weight[o, 1, 0, k]] for k in (0, 1) for o in (0, 1)]
    odd_of_first_two = [[weight[o, 2, 0, 0], weight[o, 2, 0, 1]] for o in (0, 1)]
    last = [[weight[2, 0, 0, k], weight[2, 1, 0, k]] for k in (0, 1)] + [[weight[2, 2, 0, 0], weight[2, 2, 0, 1]]]
    assert packed == pairs_of_first_two + odd_of_first_two + last


@pytest.mark.parametrize(("channels", "taps"), [(1, 1), (1, 11), (11, 11), (12, 11), (7, 4)])
def test_an_odd_channel_wastes_at_most_one_lane_per_row(channels: int, taps: int) -> None:
    weight = np.ones((5, channels, 1, taps), np.int64)
    assert lanes(pack_weights(weight, 1)).sum() == weight.size
    assert 2 * pack_weights(weight, 1).size == weight.size + 5 * (channels % 2) * (taps % 2)


def test_scratch_is_the_expanded_rows_of_the_window() -> None:
    (call,) = SmladConv().calls(site((11, 140), 11, (11,), (40, 0), dilation=4))
    assert call.scratch == (140 + 40) * 6 * 4
    (call,) = SmladConv().calls(site((3, 9, 8), 4, (3, 3), (1, 1, 1, 1), dilation=2))
    assert call.scratch == (2 * 2 + 1) * (8 + 2) * 2 * 4


def counted_lanes(where: Site) -> int:
    """Lanes by a model of the loops: blocks of three positions, unrolled edges, whole columns of words."""
    op, taps, width = where.op, where.op.kernel[-1], where.output.shape[-1]  # type: ignore[attr-defined]
    stride, dilation, pad, channels = op.strides[-1], op.dilations[-1], op.pads[0], op.weight.shape[1]  # type: ignore[attr-defined]
    apart = dilation if stride == 1 and taps > 1 and width >= 3 * dilation else 1
    total = 0
    for phase in range(apart):
        rest = (width - 1 - phase) // apart - 2
        for number, start in enumerate(range(0, rest + 3, 3)):
            skip = 0
            while number < 4 and start <= rest and (apart - 1 + (start + 2) * apart) * stride + skip * dilation < pad:
                skip += 1
            skip = min(skip, taps)
            total += channels // 2 * (taps - skip) + channels % 2 * ((taps + 1) // 2 - skip // 2)
    return 6 * total * len(op.weight)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("dilation", "stride"), [(1, 1), (2, 1), (4, 1), (1, 2), (3, 2)])
def test_executed_macs(dilation: int, stride: int) -> None:
    where = site((11, 140), 11, (11,), (10 * dilation, 0), dilation, stride=stride)
    assert SmladConv().executed_macs(where) == counted_lanes(where)


def test_padding_is_mostly_skipped() -> None:
    where = site((11, 140), 11, (11,), (40, 0), 4)
    table = where.op.macs(*where.inputs)
    assert PortableConv().executed_macs(where) == 11 * 11 * sum(min(11, t // 4 + 1) for t in range(140))
    assert PortableConv().executed_macs(where) < SmladConv().executed_macs(where) < table


def test_output_may_take_the_place_of_an_input_that_is_copied_first() -> None:
    assert SmladConv().inplace(site((4, 20), 4, (3,), (1, 1))) == (0,)
    assert SmladConv().inplace(site((4, 8, 8), 4, (3, 3), (1, 1, 1, 1))) == ()
    assert SmladConv().inplace(site((4, 20), 4, (3,), (1, 1), groups=2)) == ()
    assert PortableConv().inplace(site((4, 20), 4, (3,), (1, 1))) == ()


def test_depthwise_has_variants_of_its_own() -> None:
    depthwise, full = site((4, 20), 4, (3,), (1, 1), groups=4), site((4, 20), 4, (3,), (1, 1))
    for kernel, takes in ((SmladDepthwise(), depthwise), (SmladConv(), full), (PortableDepthwise(), depthwise)):
        other = full if takes is depthwise else depthwise
        assert kernel.unsupported(takes) is None
        assert kernel.unsupported(other)


def test_dsp_variants_are_estimated_cheaper() -> None:
    for where in (site((11, 140), 11, (11,), (10, 0)), site((8, 9, 9), 4, (3, 3), (1, 1, 1, 1))):
        assert SmladConv().cycles(where) < PortableConv().cycles(where)
