"""What of every tensor is needed, and that operators on those boxes give the same values there."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.boards import load_board
from deploy.box import slices
from deploy.kernels.base import Site
from deploy.lattice import plain, whole
from deploy.layers import lower
from deploy.layout import channels_last
from deploy.needed import Needed, needed
from deploy.parts import Part
from quant.dtypes import DType
from quant.graph import Entry, Graph, GraphBuilder, State, Tensor
from quant.ops import Add, ArgMax, AveragePool, BinaryConv, Concat, Conv, Dense, MaxPool, Pad, Reshape, Slice, Table
from quant.reference import run
from quant.requant import Requant
from tests.deploy.gap.interpreter import evaluate
from tests.quant.binary_models import finish_of
from tests.quant.strategies import cones, graphs, inputs_of

FACTOR = Requant.from_real(0.01, zero_point=3, lo=-128, hi=127)


def conv(
    channels: int,
    taps: int,
    dilation: int = 1,
    pads: tuple[int, int] = (0, 0),
    stride: int = 1,
    inputs: int | None = None,
) -> Conv:
    weight = np.arange(1, channels * (inputs or channels) * taps + 1).reshape(channels, -1, taps) % 100
    return Conv(weight, np.zeros(channels, np.int64), FACTOR, (stride,), (dilation,), pads)


def check(graph: Graph, need: Needed) -> None:
    """Every part, on stored boxes with their reference values, gives its box of the reference."""
    inputs = inputs_of(graph)
    values = {**inputs, **run(graph, inputs)}
    for node in graph.nodes:
        part, stored = need.parts[node.name], [need.tensor(name) for name in node.inputs]
        layouts = tuple(channels_last(x.shape) for x in stored)
        output = need.tensor(node.output)
        site = Site(node.name, part.op, tuple(stored), output, layouts, channels_last(output.shape), part.takes)
        given = [values[name][:, *slices(need.boxes[name])].astype(np.int64) for name in node.inputs]
        taken = [value[:, *slices(site.take(i))] for i, value in enumerate(given)]
        assert all(
            0 <= a < b <= n for i, x in enumerate(stored) for (a, b), n in zip(site.take(i), x.shape, strict=True)
        )
        result = (
            evaluate(site, taken)
            if isinstance(part.op, BinaryConv | Conv | AveragePool | MaxPool)
            else part.op.evaluate(
                taken, [Tensor(x.name, t.shape[1:], x.dtype, x.zero_point) for x, t in zip(stored, taken, strict=True)]
            )
        )
        expected = values[node.output][:, *slices(need.boxes[node.output])]
        np.testing.assert_array_equal(result, expected, err_msg=node.name)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(st.one_of(graphs(), cones()))
def test_operators_on_needed_boxes(graph: Graph) -> None:
    need = needed(graph)
    check(graph, need)
    for tensor in (*graph.inputs, *graph.outputs):
        assert not need.partial(tensor.name)


def test_cones_are_smaller_than_what_they_come_from() -> None:
    """The generated graphs do exercise the pass: most of them need only a part of some tensor."""
    partial: list[bool] = []

    @settings(deadline=None, max_examples=60, derandomize=True, database=None)
    @given(cones())
    def count(graph: Graph) -> None:
        need = needed(graph)
        partial.append(any(need.partial(name) for name in graph.tensors))

    count()
    assert sum(partial) > len(partial) / 2


@settings(deadline=None, max_examples=40, derandomize=True)
@given(cones())
def test_parts_never_execute_more(graph: Graph) -> None:
    host = load_board("host")
    parts = lower(graph, host)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deploy.layers.needed", everything)
        macs = {layer.node.name: layer.executed_macs for layer in lower(graph, host).layers}
    for layer in parts.layers:
        assert layer.executed_macs <= macs.get(layer.node.name, 0), layer.node.name


def everything(graph: Graph) -> Needed:
    """All of every tensor."""
    boxes = {name: plain(whole(tensor.shape)) for name, tensor in graph.tensors.items()}
    return Needed(graph, boxes, {node.name: Part(node.op) for node in graph.nodes})


def graph_of(shape: tuple[int, ...], *ops: tuple[str, object, tuple[str, ...]], outputs: tuple[str, ...]) -> Graph:
    b = GraphBuilder("g")
    b.input("x", shape, scale=0.1)
    for name, op, inputs in ops:
        b.add(name, op, *inputs, scale=0.1)  # type: ignore[arg-type]
    for name in outputs:
        b.output(name)
    return b.build()


def pads(need: Needed, node: str) -> tuple[int, ...]:
    op = need.parts[node].op
    assert isinstance(op, Conv)
    return op.pads


def last_step(channels: int, steps: int) -> Slice:
    return Slice(((0, channels, 1), (steps - 1, steps, 1)))


def test_the_cone_behind_the_last_step_of_a_tcn() -> None:
    """Two causal convolutions of 3 taps, dilation 2, and a shortcut: 3 and 5 steps of 20 lie behind the last one."""
    causal = conv(2, 3, 2, (4, 0))
    graph = graph_of(
        (2, 20),
        ("in", conv(2, 1), ("x",)),
        ("a", causal, ("in",)),
        ("b", causal, ("a",)),
        ("sum", Add.from_scales((0.1, 3), (0.1, 3), (0.1, 0)), ("b", "in")),
        ("last", last_step(2, 20), ("sum",)),
        outputs=("last",),
    )
    need = needed(graph)
    lines = {name: need.boxes[name][1] for name in ("in", "a", "b", "sum", "x")}
    assert lines == {"in": (11, 20, 2), "a": (15, 20, 2), "b": (19, 20, 1), "sum": (19, 20, 1), "x": (0, 20, 1)}
    assert need.parts["sum"].takes == (((0, 2), (0, 1)), ((0, 2), (4, 5)))
    window = need.parts["a"].op
    assert isinstance(window, Conv)
    assert (window.pads, window.strides, window.dilations) == ((0, 0), (1,), (1,))
    check(graph, need)


def test_samples_that_pooling_drops() -> None:
    graph = graph_of(
        (3, 23),
        ("conv", conv(3, 3, pads=(1, 1)), ("x",)),
        ("pool", AveragePool.from_scales((5,), (5,), (0, 0), 1.0, zero_point=0), ("conv",)),
        outputs=("pool",),
    )
    need = needed(graph)
    assert need.boxes["conv"] == ((0, 3, 1), (0, 20, 1))
    assert pads(need, "conv") == (1, -2)
    check(graph, need)


@pytest.mark.parametrize(
    ("steps", "taps", "dilation", "pads", "kept", "rest"),
    [
        (4, 16, 1, (7, 8), 7, (3, 3)),  # EEGNet's separable convolution on few steps
        (3, 4, 2, (6, 0), 2, (2, 0)),  # a causal one that is longer than its input
        (9, 3, 1, (1, 1), 3, (1, 1)),
        (1, 5, 3, (6, 6), 1, (0, 0)),
    ],
)
def test_taps_that_see_padding_only(
    steps: int, taps: int, dilation: int, pads: tuple[int, int], kept: int, rest: tuple[int, int]
) -> None:
    op = conv(2, taps, dilation, pads)
    graph = graph_of((2, steps), ("conv", op, ("x",)), outputs=("conv",))
    part = needed(graph).parts["conv"].op
    assert isinstance(part, Conv)
    assert (part.kernel, part.pads) == ((kept,), rest)
    check(graph, needed(graph))


def test_what_cannot_be_computed_in_part_needs_everything() -> None:
    graph = graph_of(
        (3, 8),
        ("conv", conv(3, 3, pads=(1, 1)), ("x",)),
        ("flat", Reshape((-1,)), ("conv",)),
        ("table", Table(np.arange(-128, 128), 0), ("flat",)),
        ("part", Slice(((0, 5, 1),)), ("table",)),
        ("fc", Dense(np.ones((2, 5), np.int64), np.zeros(2, np.int64), FACTOR), ("part",)),
        ("max", ArgMax(0), ("fc",)),
        outputs=("max",),
    )
    need = needed(graph)
    assert not any(need.partial(name) for name in graph.tensors)
    check(graph, need)


def test_a_reader_of_pieces_that_are_apart_computes_everything() -> None:
    """The table would take two columns out of rows of four: that is no single piece of memory, so it reads all rows."""
    graph = graph_of(
        (2, 3, 4),
        ("before", Table(np.arange(-128, 128), 0), ("x",)),
        ("table", Table(np.arange(-128, 128), 0), ("before",)),
        ("columns", Slice(((0, 2, 1), (0, 3, 1), (0, 2, 1))), ("table",)),
        ("rows", Slice(((0, 2, 1), (1, 2, 1), (0, 4, 1))), ("before",)),
        outputs=("columns", "rows"),
    )
    need = needed(graph)
    assert need.boxes["table"] == need.boxes["before"] == whole((2, 3, 4))
    check(graph, need)


def test_reshapes_concatenations_and_paddings_hand_boxes_on() -> None:
    graph = graph_of(
        (1, 4, 12),
        ("first", MaxPool((1, 1), (1, 1), (0, 0, 0, 0)), ("x",)),
        ("rows", Reshape((4, 1, 12)), ("first",)),
        ("both", Concat(0), ("rows", "rows")),
        ("pad", Pad((0, 0, 2, 0, 0, 3)), ("both",)),
        ("pool", MaxPool((1, 5), (1, 5), (0, 0, 0, 0)), ("pad",)),
        ("last", Slice(((0, 8, 1), (0, 1, 1), (1, 2, 1))), ("pool",)),
        outputs=("last",),
    )
    need = needed(graph)
    ranges = {name: need.boxes[name][-1][:2] for name in ("first", "rows", "both", "pad", "pool")}
    assert ranges == {"first": (3, 8), "rows": (3, 8), "both": (3, 8), "pad": (5, 10), "pool": (1, 2)}
    check(graph, need)


def test_states_and_all_entries_are_seen_by_callers() -> None:
    b = GraphBuilder("stateful")
    for name in ("x", "before"):
        b.input(name, (2, 6), scale=0.1)
    b.add("after", Add.from_scales((0.1, 0), (0.1, 0), (0.1, 0)), "x", "before", scale=0.1)
    b.add("last", last_step(2, 6), "after", scale=0.1)
    b.output("last")
    b.state(State("before", "after", np.zeros((2, 6), np.int64)))
    b.entry(Entry("infer", ("x",), ("last",)))
    need = needed(b.build())
    assert not any(need.partial(name) for name in ("x", "before", "after"))


def test_every_box_of_a_strided_dilated_convolution() -> None:
    op = conv(2, 3, 2, (4, 1), 2)
    steps = op.infer(Tensor("x", (2, 11)))[0][1]
    for first, last in product(range(steps), range(1, steps + 1)):
        if first < last:
            graph = graph_of(
                (2, 11),
                ("conv", op, ("x",)),
                ("part", Slice(((0, 2, 1), (first, last, 1))), ("conv",)),
                outputs=("part",),
            )
            check(graph, needed(graph))


def test_the_cone_goes_through_layers_on_bits() -> None:
    """The last step of a causal network on bits: as many positions as its kernels reach, no taps on padding."""
    rng = np.random.default_rng(4)

    def layer(inputs: int, outputs: int, kind: str, dilation: int) -> BinaryConv:
        weight = rng.integers(0, 2, (outputs, inputs, 3)).astype(bool)
        bias, finish = np.zeros(outputs, np.int64), finish_of(rng, kind, outputs, 3 * inputs)
        return BinaryConv(weight, bias, finish, (1,), (dilation,), (2 * dilation, 0))

    builder = GraphBuilder("bits")
    x = builder.input("x", (40, 12), DType.B1)
    far = builder.add("far", layer(33, 5, "s8", 8), builder.add("near", layer(40, 33, "b1", 2), x))
    builder.output(builder.add("last", Slice(((0, 5, 1), (11, 12, 1))), far))
    graph = builder.build()
    need = needed(graph)
    assert need.boxes["near"] == ((0, 33, 1), (3, 12, 8))
    far_part = need.parts["far"].op
    assert isinstance(far_part, BinaryConv) and far_part.kernel == (2,)
    check(graph, need)
