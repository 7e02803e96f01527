"""Which tensors leave L1, and which layers run depth-first."""

from __future__ import annotations

import numpy as np

from deploy.boards import load_board
from deploy.gap.plan import l1_budget, make_cluster_plan
from deploy.gap.stored import sizes
from quant.graph import Graph, GraphBuilder
from quant.ops import Conv
from tests.deploy.gap.boards import with_l1
from tests.deploy.gap.test_schedule import check
from tests.deploy.graphs import requant

RANDOM = np.random.default_rng(0)


def conv(inputs: int, outputs: int, kernel: int, groups: int = 1) -> Conv:
    weight = RANDOM.integers(-127, 128, (outputs, inputs // groups, kernel, kernel))
    pads = (kernel // 2,) * 4
    return Conv(weight, np.zeros(outputs, np.int64), requant(RANDOM, outputs, 0), (1, 1), (1, 1), pads, groups)


def inverted_residual(size: int, wide: int) -> Graph:
    """Narrow, wide, wide, narrow: what lies between is the largest by far."""
    builder = GraphBuilder("inverted-residual")
    x = builder.input("x", (8, size, size), zero_point=0, scale=0.1)
    x = builder.add("expand", conv(8, wide, 1), x, scale=0.1)
    x = builder.add("depthwise", conv(wide, wide, 3, wide), x, scale=0.1)
    builder.output(builder.add("project", conv(wide, 8, 1), x, scale=0.1))
    return builder.build()


def test_what_fits_stays_in_l1() -> None:
    plan = make_cluster_plan(inverted_residual(12, 32), load_board("gap8"))
    assert set(plan.resident) == set(sizes(plan))
    assert not any(group.fused for group in plan.groups)
    assert set(plan.l2.offsets) == {"x", plan.graph.outputs[0].name}


def test_wide_tensors_between_layers_are_never_stored() -> None:
    graph = inverted_residual(40, 64)
    plan = make_cluster_plan(graph, load_board("gap8"))
    fused = [layer.node.name for group in plan.groups if group.fused for layer in group.layers]
    assert "depthwise" in fused and len(fused) >= 2
    assert len([name for name in ("expand", "depthwise") if name in plan.l2.offsets]) <= 3 - len(fused)
    assert plan.l1.size <= l1_budget(plan.board.cluster)  # type: ignore[arg-type]
    check(graph, plan, "early")
    check(graph, plan, "late")


def test_a_tensor_leaves_l1_where_it_makes_others_too_small() -> None:
    """Every step of a layer costs a wait and two barriers: no layer is cut to single pixels to keep a tensor in L1."""
    graph = inverted_residual(14, 48)
    plan = make_cluster_plan(graph, with_l1(20_000))
    assert max(len(tiling.visits) for tiling in plan.tilings) <= 16
    check(graph, plan, "late")
