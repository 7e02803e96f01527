"""States of a model in C: where they lie, what they begin with, and which ones are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.build import build_graph
from deploy.gap.plan import make_cluster_plan
from deploy.host import HostModel
from deploy.plan import make_plan
from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Graph, GraphBuilder, State
from quant.ops import Add, Concat, Slice
from quant.reference import run_sequence
from tests.deploy.states import ALL, shifting

HOST = load_board("host")
SUM = Add(1 << 29, 1 << 29, 1 << 29, 30, 0)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((3, 8), DType.S8), ((1, 5, 9), DType.S8), ((2, 3, 40), DType.S8), ((3, 20), DType.S16)]
)
@pytest.mark.parametrize("new", [1, 2, 7])
def test_a_shifted_state_is_written_over_itself(tmp_path: Path, shape: tuple[int, ...], dtype: DType, new: int) -> None:
    graph = shifting(np.arange(np.prod(shape)).reshape(shape) % 100 - 60, shape, new, dtype)
    built = build_graph(graph, HOST, tmp_path / "out")
    model = HostModel(tmp_path / "out")
    hops = np.random.default_rng(0).integers(-128, 128, (9, *graph.inputs[0].shape)).astype(np.int8)
    expected = run_sequence(graph, {"x": hops})[0]["seen"]
    assert model.selftest()
    for _ in range(2):  # every run begins with the initial values
        np.testing.assert_array_equal(model.run({"x": hops})["seen"], expected)
        np.testing.assert_array_equal(model.trace({"x": hops})["seen"], expected)
    assert built.facts["state_bytes"] == graph.tensors["past"].nbytes
    offsets = {layer["output"]["name"]: layer["output"]["offset"] for layer in built.facts["layers"]}
    assert "kept" not in offsets


@pytest.mark.parametrize(("initial", "bytes_"), [(5, 1), ([[1], [2], [3]], 3), (np.arange(24).reshape(3, 8), 24)])
def test_initial_values_that_repeat_are_stored_once(tmp_path: Path, initial: Any, bytes_: int) -> None:
    build_graph(shifting(initial), HOST, tmp_path / "out")
    text = (tmp_path / "out" / "src" / "model.c").read_text()
    assert f"state_00[{bytes_}]" in text
    assert "void shifting_reset(void)" in text
    header = (tmp_path / "out" / "src" / "model.h").read_text()
    assert "void shifting_step(const int8_t *input, int8_t *output);" in header
    assert "void shifting_reset(void);" in header


def stateful(*, late: bool = False, first: bool = True) -> Graph:
    """A state that is read behind its writer, or not first by a concat that shifts it."""
    b = GraphBuilder("stateful")
    x, past = b.input("x", (2, 3)), b.input("past", (2, 6))
    kept = b.add("kept", Slice((ALL, (3, 6, 1))), past)
    after = b.add("after", Concat(1), *((kept, x) if first else (x, kept)))
    b.state(State(past, after, np.zeros((2, 6), np.int64)))
    other = b.add("sum", SUM, after, past if late else after)
    b.output(other)
    return b.build()


@pytest.mark.parametrize("fault", [{"late": True}, {"first": False}])
def test_a_state_that_is_still_read_when_it_is_written_is_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"state 'past'.*behind all layers that read it"):
        make_plan(stateful(**fault), HOST)


def test_a_state_that_a_computing_layer_writes(tmp_path: Path) -> None:
    """On one core where its kernel can write in place; streams alone run on clusters."""
    b = GraphBuilder("counter")
    x, past = b.input("x", (4,)), b.input("past", (4,))
    after = b.add("after", SUM, x, past)
    b.output(b.add("out", SUM, x, x))
    b.state(State(past, after, np.zeros(4, np.int64)))
    graph = b.build()
    build_graph(graph, HOST, tmp_path / "out")
    model, inputs = HostModel(tmp_path / "out"), {"x": np.arange(20, dtype=np.int8).reshape(5, 4)}
    assert model.selftest()
    np.testing.assert_array_equal(model.trace(inputs)["after"], run_sequence(graph, inputs)[0]["after"])
    with pytest.raises(UserError, match="not written by a layer that can"):
        make_cluster_plan(graph, load_board("gap8"))
