"""Plans for clusters: every layer's bytes, whatever is cut, fused or streamed, and the bytes that the DMA moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.boards import load_board
from deploy.box import slices
from deploy.gap.plan import ClusterPlan, make_cluster_plan
from deploy.gap.schedule import make_steps, moved
from deploy.gap.scratchpad import scratch
from deploy.gap.steps import Pointer
from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import LevelEncode
from quant.reference import run
from tests.deploy.gap.boards import with_l1
from tests.deploy.gap.graphs import GRAPHS, generated, tight
from tests.deploy.gap.interpreter import Interpreter, Moment
from tests.deploy.graphs import every_operator
from tests.quant.bit_models import SEEDS, bit_graph
from tests.quant.strategies import cones


def check(graph: Graph, plan: ClusterPlan, moment: Moment) -> None:
    """Every stored output equals the reference, and the DMA moves what the plan says."""
    random = np.random.default_rng(1)
    inputs = {t.name: random.integers(t.dtype.low, t.dtype.high + 1, t.shape) for t in plan.graph.inputs}
    interpreter = Interpreter(plan, moment)
    results = interpreter.run(inputs)
    expected = run(plan.graph, {name: value[None] for name, value in inputs.items()})
    for name, value in results.items():
        part = slices(plan.need.boxes[name])
        np.testing.assert_array_equal(value, expected[name][0][part], err_msg=name)
    for layer in plan.layers:
        assert tuple(interpreter.moved[layer.node.name]) == moved(interpreter.steps, layer), layer.node.name


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("budget", [1_800, 50_000])
def test_every_operator(budget: int, moment: Moment) -> None:
    graph = every_operator()
    check(graph, make_cluster_plan(graph, with_l1(budget)), moment)


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("seed", range(GRAPHS))
def test_generated_graphs(seed: int, moment: Moment) -> None:
    graph = generated(seed)
    assert len(graph.nodes) >= 4
    check(graph, tight(graph)[1], moment)


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("seed", SEEDS)
def test_graphs_of_bits(seed: int, moment: Moment) -> None:
    graph = bit_graph(seed, 700, 60)
    plan = tight(graph)[1]
    assert any(tiling.counts[2] > 1 for tiling in plan.tilings)
    check(graph, plan, moment)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(graph=cones(), moment=st.sampled_from(["early", "late"]))
def test_graphs_that_need_parts_of_their_tensors(graph: Graph, moment: Moment) -> None:
    check(graph, tight(graph)[1], moment)


def test_layers_on_whole_tensors_have_scratch_memory_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tile says so, but their kernels need it, and inputs lie in L1 beside it."""
    for module in ("deploy.group", "deploy.gap.stored"):
        monkeypatch.setattr(f"{module}.tileable", lambda op: False)
    builder = GraphBuilder("codes")
    builder.output(builder.add("levels", LevelEncode("gray", 5), builder.input("x", (40, 6), DType.S16)))
    plan = make_cluster_plan(builder.build(), load_board("gap8"))
    (levels,) = (layer for layer in plan.layers if layer.scratch_bytes)
    (buffer,) = (buffer for buffer in plan.l1.buffers if buffer.name == scratch(levels.index))
    steps = [step for step in make_steps(plan) if step.layer is levels]
    assert buffer.size == levels.scratch_bytes > 0 and len(steps) == 2
    assert all(step.scratch == Pointer("l1", plan.l1.offsets[buffer.name]) for step in steps)
    others = [(plan.l1.offsets[b.name], b.size) for b in plan.l1.buffers if b is not buffer and b.last >= buffer.first]
    at = plan.l1.offsets[buffer.name]
    assert others and all(at >= start + size or at + buffer.size <= start for start, size in others)
