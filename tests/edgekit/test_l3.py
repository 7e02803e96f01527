"""Networks whose weights come from outside the chip, piece by piece."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.build import build_graph
from deploy.gap.plan import ClusterPlan, make_cluster_plan
from deploy.gap.schedule import fetch_starts, make_steps
from deploy.gap.stored import l3_slot
from edgekit.simulation import Simulator
from quant.errors import UserError
from quant.graph import Graph, GraphBuilder
from quant.ops import Dense
from quant.reference import run
from tests.deploy.gap.mobilenet import mobilenet
from tests.deploy.graphs import requant
from tests.edgekit.pmsis_host import PmsisModel

GAP8 = load_board("gap8")


def two_dense() -> Graph:
    """Half a megabyte of weights: one of the two layers has to stay outside."""
    random, builder = np.random.default_rng(0), GraphBuilder("two-dense")
    x = builder.input("x", (900,), zero_point=-3, scale=0.1)
    for name, inputs, outputs in (("wide", 900, 300), ("narrow", 300, 900)):
        weight = random.integers(-127, 128, (outputs, inputs))
        op = Dense(weight, random.integers(-99, 99, outputs), requant(random, outputs, 5))
        x = builder.add(name, op, x, scale=0.1)
    builder.output(x)
    return builder.build()


def inputs_for(graph: Graph, count: int = 1) -> np.ndarray:
    return np.random.default_rng(1).integers(-128, 128, (count, *graph.inputs[0].shape)).astype(np.int8)


@pytest.mark.parametrize("make", [two_dense, mobilenet])
def test_same_bytes_on_every_layer(make: object, tmp_path: Path) -> None:
    graph = make()  # type: ignore[operator]
    built = build_graph(graph, GAP8, tmp_path / "app")
    assert isinstance(built.plan, ClusterPlan) and built.plan.l3_bytes > 0
    assert (built.folder / "l3.bin").stat().st_size == built.plan.l3_bytes
    x = inputs_for(graph)
    expected = run(graph, {graph.inputs[0].name: x})
    result = Simulator(built.folder, built.facts, GAP8).run(x, GAP8.operating_point(), layers=True)
    for name, values in result.layers.items():
        if name in expected:
            np.testing.assert_array_equal(values, expected[name], err_msg=name)
    assert GAP8.cluster is not None and GAP8.cluster.l3 is not None and GAP8.clock_hz is not None
    fetches = [fetch for starting in fetch_starts(make_steps(built.plan)) for fetch in starting]
    assert sum(fetch.bytes for fetch in fetches) == built.plan.l3_bytes
    l3 = GAP8.cluster.l3
    seconds = len(fetches) * l3.base_us * 1e-6 + built.plan.l3_bytes * l3.ns_per_byte * 1e-9
    assert 0 < result.cost.l3_wait < seconds * GAP8.clock_hz < result.cost.cycles


def test_a_lower_clock_waits_fewer_cycles(tmp_path: Path) -> None:
    graph = two_dense()
    built = build_graph(graph, GAP8, tmp_path / "app")
    simulator, x = Simulator(built.folder, built.facts, GAP8), inputs_for(graph)
    slow, fast = (simulator.run(x, GAP8.operating_point(clock)).cost for clock in (90_000_000, 175_000_000))
    assert slow.l3_wait < fast.l3_wait and slow.cycles < fast.cycles


def test_pmsis_reads_the_ram_that_start_up_has_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = two_dense()
    built = build_graph(graph, GAP8, tmp_path / "app")
    monkeypatch.setenv("EK_FILES", str(built.folder))
    x = inputs_for(graph)[0]
    expected = run(graph, {"x": x[None]})
    model = PmsisModel(built)
    for mode in ("lazy", "eager"):
        layers, output = model.run(x, 8, mode)
        np.testing.assert_array_equal(output, expected["narrow"][0])
        assert set(layers) == {"wide", "narrow"}


def test_pieces_take_turns_in_two_buffers() -> None:
    plan = make_cluster_plan(two_dense(), GAP8)
    slots = [step.fetch.l2 for step in make_steps(plan) if step.fetch is not None]
    assert len(slots) > 3
    assert slots == [plan.l2.offsets[l3_slot(turn)] for turn in range(len(slots))]


def test_boards_without_l3_and_with_too_little_of_it_refuse() -> None:
    with pytest.raises(UserError, match="do not fit L2") as caught:
        make_cluster_plan(two_dense(), load_board("mrwolf"))
    assert "it has no L3" in str(caught.value)
    assert GAP8.cluster is not None and GAP8.cluster.l3 is not None
    small = replace(GAP8, cluster=replace(GAP8.cluster, l3=replace(GAP8.cluster.l3, bytes=100_000)))
    with pytest.raises(UserError, match="HyperRAM") as caught:
        make_cluster_plan(two_dense(), small)
    assert "100,000 bytes" in str(caught.value)
