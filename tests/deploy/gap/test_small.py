"""Plans within a budget of memory: layers run depth-first, channels are cut, and every byte is still right."""

from __future__ import annotations

import re

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.build import refuse_memory
from deploy.gap.plan import ClusterPlan, make_cluster_plan
from quant.errors import UserError
from quant.graph import Graph, GraphBuilder
from quant.ops import AveragePool, Conv, Table
from tests.deploy.gap.boards import with_l1
from tests.deploy.gap.interpreter import Moment
from tests.deploy.gap.test_schedule import check
from tests.deploy.graphs import requant

RANDOM = np.random.default_rng(0)
ELECTRODES, SAMPLES = 6, 323
INPUT, MAP = ELECTRODES * SAMPLES, 8 * ELECTRODES * SAMPLES


def conv(outputs: int, inputs: int, kernel: tuple[int, int], groups: int = 1) -> Conv:
    weight = RANDOM.integers(-127, 128, (outputs, inputs, *kernel))
    left, right = (kernel[1] - 1) // 2, kernel[1] // 2
    pads = (0, left, 0, right)
    return Conv(weight, RANDOM.integers(-999, 999, outputs), requant(RANDOM, outputs, 3), (1, 1), (1, 1), pads, groups)


def front_end() -> Graph:
    """Temporal and spatial convolution, activation, pool, as EEGNet has them."""
    builder = GraphBuilder("front-end")
    x = builder.input("x", (1, ELECTRODES, SAMPLES), zero_point=0, scale=0.1)
    x = builder.add("temporal", conv(8, 1, (1, 32)), x, scale=0.1)
    x = builder.add("spatial", conv(16, 1, (ELECTRODES, 1), 8), x, scale=0.1)
    x = builder.add("elu", Table(RANDOM.permutation(np.arange(-128, 128)), 3), x, scale=0.1)
    x = builder.add("pool", AveragePool.from_scales((1, 8), (1, 8), (0, 0, 0, 0), 1.1, zero_point=-4), x, scale=0.1)
    builder.output(builder.add("mix", conv(4, 16, (1, 3)), x, scale=0.1))
    return builder.build()


def memory_of(plan: ClusterPlan) -> int:
    return plan.l1_bytes + plan.l2.size + plan.l2_constant_bytes


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("memory", [6_500, 9_000])
def test_the_map_is_never_stored(memory: int, moment: Moment) -> None:
    graph = front_end()
    plan = make_cluster_plan(graph, load_board("gap8"), memory=memory)
    assert memory_of(plan) <= memory
    assert [layer.node.name for layer in plan.groups[0].layers] == ["temporal", "spatial", "elu", "pool"]
    assert memory_of(plan) - INPUT < MAP // 2
    check(graph, plan, moment)


def test_a_tight_budget_cuts_channels_of_layers_that_run_depth_first() -> None:
    plan = make_cluster_plan(front_end(), load_board("gap8"), memory=6_500)
    assert plan.tilings[0].counts[2] > 1
    assert all(stream.slots <= 1 for stream in (*plan.tilings[0].inputs, *plan.tilings[0].constants))


def test_without_a_budget_the_plan_is_larger_and_faster() -> None:
    free, small = (make_cluster_plan(front_end(), load_board("gap8"), memory=memory) for memory in (None, 6_500))
    assert memory_of(free) > memory_of(small)
    assert sum(tiling.cycles for tiling in free.tilings) < sum(tiling.cycles for tiling in small.tilings)


@pytest.mark.parametrize("memory", [100, 3_000, 6_000])
def test_too_small_a_budget_is_refused_and_the_smallest_plan_is_named(memory: int) -> None:
    with pytest.raises(UserError, match="--memory: it does not fit") as error:
        make_cluster_plan(front_end(), load_board("gap8"), memory=memory)
    named = re.search(r"smallest plan that was found needs ([\d,]+) bytes", str(error.value))
    assert named is not None
    least = int(named[1].replace(",", ""))
    assert memory < least < INPUT + MAP


def test_a_layer_that_fits_no_plan_is_named_whatever_the_budget() -> None:
    with pytest.raises(UserError, match="its smallest tile needs"):
        make_cluster_plan(front_end(), with_l1(500), memory=100)


def test_a_board_without_a_cluster_has_no_choice() -> None:
    with pytest.raises(UserError, match="leave out --memory"):
        refuse_memory(load_board("stm32l475"), 36_000)
