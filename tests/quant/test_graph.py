"""The graph builder: order, types, and every problem in one run."""

from __future__ import annotations

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Entry, Graph, GraphBuilder, State
from quant.ops import Add, Dense, Pad, Reshape, Slice, Table
from quant.requant import Requant
from tests.quant.models import every_operator

IDENTITY = Table(np.arange(-128, 128), 0)
ALL = Slice(((0, 4, 1),))


def build(*nodes: tuple[str, str], output: str, **more: object) -> Graph:
    """Nodes (name, input) that pass one input ``x`` of four values on."""
    b = GraphBuilder("g")
    b.input("x", (4,))
    for name, source in nodes:
        b.add(name, IDENTITY, source)
    b.output(output)
    return b.build()


def problems(builder: GraphBuilder) -> list[str]:
    with pytest.raises(UserError) as caught:
        builder.build()
    return [str(problem) for problem in caught.value.problems]


def test_keeps_the_given_order_where_it_is_possible() -> None:
    graph = build(("a", "x"), ("c", "a"), ("b", "x"), ("d", "b"), output="d")
    assert [n.name for n in graph.nodes] == ["a", "c", "b", "d"]


def test_sorts_nodes_that_come_too_early() -> None:
    graph = build(("d", "c"), ("b", "a"), ("a", "x"), ("c", "b"), output="d")
    assert [n.name for n in graph.nodes] == ["a", "b", "c", "d"]


def test_counts_macs_and_weights() -> None:
    graph = every_operator(1).build()
    by_name = {node.name: graph.macs(node) for node in graph.nodes}
    assert by_name["stem"] == 6 * 3 * 3 * 20 and by_name["depthwise"] == 12 * 3 * 10 and by_name["scores"] == 5 * 40
    assert graph.total_macs == sum(by_name.values())
    assert graph.parameters == 6 * 3 * 3 + 12 * 3 + 12 * 6 + 5 * 40


def test_finds_its_way_around() -> None:
    graph = build(("a", "x"), ("b", "a"), ("c", "a"), output="c")
    assert [n.name for n in graph.consumers("a")] == ["b", "c"]
    assert [t.name for t in graph.inputs] == ["x"] and [t.name for t in graph.outputs] == ["c"]
    assert graph.entry("infer").outputs == ("c",) and graph.tensors["x"].nbytes == 4
    with pytest.raises(UserError, match="did you mean 'infer'"):
        graph.entry("infr")


def test_cycle() -> None:
    b = GraphBuilder("g")
    b.input("x", (4,))
    b.add("first", Add(1, 1, 0, 1, 0), "x", "last")
    b.add("last", IDENTITY, "first")
    b.add("behind", IDENTITY, "last")
    b.output("behind")
    (text,) = problems(b)
    assert "nodes 'first', 'last', 'behind' form a cycle" in text and "declared as state" in text


def test_dangling_input_is_reported_once_and_not_its_followers() -> None:
    b = GraphBuilder("g")
    b.input("x", (4,))
    b.add("a", Add(1, 1, 0, 1, 0), "ghost", "ghost")
    b.add("b", IDENTITY, "a")
    b.output("b")
    assert problems(b) == [
        "node 'a': input tensor 'ghost' is not produced by any node\n  what to do: connect it or remove the node"
    ]


def test_dangling_output_and_no_output() -> None:
    b = GraphBuilder("g")
    b.input("x", (4,))
    b.output("ghost")
    assert "output 'ghost': it is never produced" in problems(b)[0]
    empty = GraphBuilder("g")
    empty.input("x", (4,))
    assert "the graph has no output" in problems(empty)[0]


def test_names_must_be_unique() -> None:
    b = GraphBuilder("g")
    b.input("x", (4,))
    b.add("a", IDENTITY, "x")
    b.add("a", IDENTITY, "x", output="other")
    b.add("b", IDENTITY, "x", output="other")
    b.output("a")
    assert [text.split(":")[0] for text in problems(b)] == ["node 'a'", "tensor 'other'"]


@pytest.mark.parametrize("shape", [(), (0,), (3, -1), (1, 2, 3, 4), (1 << 20, 1 << 20)])
def test_shapes_of_inputs(shape: tuple[int, ...]) -> None:
    b = GraphBuilder("g")
    b.input("x", shape)
    b.add("a", IDENTITY, "x")
    b.output("a")
    (text,) = problems(b)
    assert f"input 'x': shape {shape} is not supported" in text and "without batch" in text


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scales(scale: float) -> None:
    b = GraphBuilder("g")
    b.input("x", (4,), scale=scale)
    b.output(b.add("a", IDENTITY, "x", scale=scale))
    first, second = problems(b)
    assert f"input 'x': scale of tensor 'x' is {scale}" in first and "node 'a' (table)" in second
    assert "calibration" in first


@pytest.mark.parametrize(("dtype", "zero"), [(DType.S8, 128), (DType.S8, -129), (DType.S16, 40_000), (DType.B1, 2)])
def test_zero_points(dtype: DType, zero: int) -> None:
    b = GraphBuilder("g")
    b.input("x", (4,), dtype, zero)
    b.output("x")
    assert f"zero point {zero} of tensor 'x' is out of range" in problems(b)[0]


def test_everything_wrong_is_told_in_one_run() -> None:
    b = GraphBuilder("g")
    b.input("x", (4,), zero_point=300)
    b.add("rank", Reshape((1, 2, 2)), "x")
    b.add("pads", Pad((1,)), "x")
    weight = np.full((2, 4), -128)
    b.add("weights", Dense(weight, np.zeros(2, np.int64), Requant.of(1, 70, a=0, zero_point=0, lo=0, hi=0)), "x")
    b.add("lost", IDENTITY, "ghost")
    b.add("behind", IDENTITY, "pads")
    b.output("behind")
    b.output("nowhere")
    where = [text.split(":")[0] for text in problems(b)]
    assert where == [
        "input 'x'",
        "node 'lost'",
        "node 'pads' (pad)",
        "node 'weights' (dense)",
        "node 'weights' (dense)",
        "output 'nowhere'",
    ]


def test_zero_points_a_node_was_made_for() -> None:
    b = GraphBuilder("g")
    b.input("x", (4,), zero_point=3)
    b.output(b.add("a", IDENTITY, "x"))
    b.expect_zero_point("a", "x", -128)
    assert problems(b) == ["node 'a': it takes input 'x' to have zero point -128, which is 3"]


def stateful(initial: np.ndarray, **settings: object) -> GraphBuilder:
    b = GraphBuilder("g")
    b.input("x", (4,))
    b.input("h", (4,), **settings)  # type: ignore[arg-type]
    b.add("h_next", ALL, "h")
    b.output(b.add("y", Add(1, 1, 0, 1, 0), "x", "h"))
    b.state(State("h", "h_next", initial))
    return b


def test_states_are_neither_inputs_nor_outputs_of_infer() -> None:
    graph = stateful(np.zeros(4, np.int8)).build()
    assert (graph.entry().inputs, graph.entry().outputs) == (("x",), ("y",))


def test_state_problems() -> None:
    assert "differ in shape or type" in problems(stateful(np.zeros(5, np.int8)))[0]
    assert "initial value is outside s8" in problems(stateful(np.full(4, 200)))[0]
    b = stateful(np.zeros(4, np.int8))
    b.state(State("h", "nothing", np.zeros(4)))
    b.state(State("ghost", "h_next", np.zeros(4)))
    first, second = problems(b)
    assert "tensor pair 'h', 'nothing' is incomplete" in first and "not an input of the graph" in second
    b = GraphBuilder("g")
    b.input("h", (4,), zero_point=1)
    b.output(b.add("y", Table(np.arange(-128, 128), 2), "h"))
    b.state(State("h", "y", np.zeros(4, np.int8)))
    assert "differ in scale or zero point" in problems(b)[0]


def test_entries() -> None:
    b = stateful(np.zeros(4, np.int8))
    b.entry(Entry("infer", ("x",), ("y",)))
    b.entry(Entry("learn", (), ("h_next",), ("h_next",)))
    assert [e.name for e in b.build().entries] == ["infer", "learn"]
    b.entry(Entry("learn", ("y",), ("y",)))
    b.input("z", (1,))
    assert [text.split("\n")[0] for text in problems(b)] == [
        "entry 'learn': its input 'y' is not an input of the graph",
        "entry 'learn': the name of this entry is used more than once",
        "input 'z': no entry takes it",
        "entry 'learn': it needs the input 'x'",
    ]


def test_what_several_entries_share() -> None:
    b = stateful(np.zeros(4, np.int8))
    b.entry(Entry("infer", ("x",), ("y",), ("h_next", "h_next", "y")))
    b.entry(Entry("look", ("x",), ("y",)))
    b.state(State("other", "h_next", np.zeros(4, np.int8), also=("never",)))
    b.add("unused", IDENTITY, "x")
    found = [text.split("\n")[0] for text in problems(b)]
    for expected in (
        "entry 'infer': it updates 'y', which no state is written as",
        "state 'other': it is not an input of the graph",
        "state 'other': no entry writes 'never'",
        "node 'unused': no entry needs it",
    ):
        assert expected in found, found
    twice = stateful(np.zeros(4, np.int8))
    twice.entry(Entry("infer", ("x",), ("y",), ("h_next", "h_next")))
    twice.entry(Entry("learn", (), ("h_next",)))
    assert problems(twice)[0].startswith("entry 'infer': it writes the state 'h' more than once")
    alone = stateful(np.zeros(4, np.int8))
    alone.entry(Entry("infer", ("x",), ("y",), ("h_next",)))
    assert "the only entry writes every state once" in problems(alone)[0]


def test_types_of_bits_are_part_of_the_format() -> None:
    b = GraphBuilder("g")
    b.input("flags", (11,), DType.B1)
    b.output("flags")
    graph = b.build()
    assert graph.tensors["flags"].nbytes == 4
    b.add("a", IDENTITY, "flags")
    assert "has type b1" in problems(b)[0]
