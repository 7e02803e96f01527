"""Float models around BipolarQuant: what they compute is what the integer graph computes, both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Graph, GraphBuilder, State
from quant.interchange.qonnx import from_qonnx, to_qonnx
from quant.interchange.read import from_proto
from quant.interchange.write import to_onnx
from quant.ops import ArgMin, Binarize, BinaryConv, BinaryDense, Bind, Bundle, Hamming, Project, Threshold
from quant.reference import run
from tests.quant.binary_models import conv, dense
from tests.quant.interchange.qonnx import Sheet, evaluate
from tests.quant.models import every_operator

RNG = np.random.default_rng(3)


def normal(*shape: int) -> NDArray:
    return RNG.normal(size=shape).astype(np.float32)


def check(model: ModelProto, shape: tuple[int, ...], steps: tuple[float, ...] = (1.0,), samples: int = 6) -> Graph:
    """The graph read from the model; its outputs, times their steps, are what the model computes."""
    graph = from_proto(model)
    for _ in range(samples):
        x = normal(1, *shape)
        x[RNG.uniform(size=x.shape) < 0.1] = 0  # counts as positive
        found = run(graph, {"x": x.reshape(1, *graph.inputs[0].shape) >= 0})
        for y, step, wanted in zip(graph.outputs, steps, evaluate(model, x), strict=True):
            integers = found[y.name].astype(np.int64)
            reals = (2 * integers - 1 if y.dtype is DType.B1 else integers) * step
            np.testing.assert_allclose(reals.reshape(wanted.shape), wanted, rtol=1e-6)
    return graph


def statistics(channels: int) -> list[NDArray]:
    """Scale (also negative), bias, mean, variance."""
    return [normal(channels), 3 * normal(channels), 3 * normal(channels), RNG.uniform(0.5, 2, channels)]


def test_dense_network() -> None:
    """Scales per tensor and per output, a bias, batch normalization with factors of either sign."""
    s = Sheet(1, 20)
    hidden = s.node("MatMul", s.bits("x", 0.5), s.weight(normal(20, 33), RNG.uniform(0.5, 2, (1, 33))))
    hidden = s.node("Add", hidden, s.constant(normal(33)))
    norm = s.node("BatchNormalization", hidden, *map(s.constant, statistics(33)), epsilon=1e-3)
    scores = s.node("Gemm", s.bits(norm, 0.25), s.weight(normal(5, 33), 0.5), s.constant(np.arange(5) / 8), transB=1)
    graph = check(s.model(scores), (20,), (0.125,))
    assert [type(node.op) for node in graph.nodes] == [BinaryDense, BinaryDense]
    assert graph.nodes[0].name == "matmul2" and graph.outputs[0].dtype is DType.S32
    last = graph.nodes[1].op
    assert isinstance(last, BinaryDense) and last.bias.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("shape", "kernel"), [((3, 9), (3,)), ((4, 6, 5), (3, 2))])
def test_convolutions_and_a_flat_head(shape: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    s, rank = Sheet(1, *shape), len(kernel)
    hidden = s.node(
        "Conv",
        s.bits("x"),
        s.weight(normal(7, shape[0], *kernel), RNG.uniform(0.5, 2, (7, 1, *[1] * rank))),
        s.constant(normal(7)),
        strides=[2] * rank,
        pads=[1] * 2 * rank,
    )
    hidden = s.bits(s.node("BatchNormalization", hidden, *map(s.constant, statistics(7))))
    size = [(n + 2 - k) // 2 + 1 for n, k in zip(shape[1:], kernel, strict=True)]
    flat = s.node("Flatten", hidden)
    head = s.bits(s.node("MatMul", flat, s.weight(normal(7 * int(np.prod(size)), 6))))
    scores = s.node("MatMul", head, s.weight(normal(6, 3)))
    graph = check(s.model(scores, head), shape, (1.0, 1.0))
    assert [type(node.op).kind for node in graph.nodes] == ["binary_conv"] * 3 + ["reshape"]


def test_order_of_factors_and_offsets() -> None:
    s = Sheet(1, 12)
    y = s.node("MatMul", s.node("Identity", s.bits("x")), s.node("Transpose", s.weight(normal(6, 12)), perm=[1, 0]))
    y = s.node("Sub", s.constant(np.arange(6)), s.node("Mul", y, s.constant(-2.0)))
    y = s.node("Div", s.node("Sub", y, s.constant(1.5)), s.constant(np.array([1, -1, 2, -3, 5, 4])))
    check(s.model(s.bits(y)), (12,))


def test_a_factor_of_zero_is_a_constant_bit() -> None:
    s = Sheet(1, 4)
    y = s.node("Mul", s.node("MatMul", s.bits("x"), s.weight(normal(4, 2))), s.constant([0.0, 0.0]))
    graph = check(s.model(s.bits(s.node("Add", y, s.constant([0.0, -1.0])))), (4,))
    assert run(graph, {"x": np.ones((1, 4), bool)})[graph.outputs[0].name].tolist() == [[True, False]]


def test_a_sum_at_its_level_is_positive() -> None:
    """0 is +1: an offset of 2 and a sum of -2."""
    s = Sheet(1, 2)
    graph = check(s.model(s.bits(s.node("Gemm", s.bits("x"), s.weight(np.ones((2, 1))), s.constant([2.0])))), (2,))
    op = graph.nodes[0].op
    assert isinstance(op, BinaryDense) and isinstance(op.finish, Threshold) and op.finish.levels.tolist() == [-2]


@pytest.mark.parametrize("extreme", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("factor", [0.5, -0.5])
def test_nearest_class(extreme: str, factor: float) -> None:
    """The largest sum is the smallest with the other sign; ties go to the lowest index in both."""
    s = Sheet(1, 9)
    sums = s.node("Mul", s.node("MatMul", s.bits("x"), s.weight(normal(9, 4))), s.constant(factor))
    graph = check(s.model(s.node(extreme, sums, axis=1)), (9,), samples=20)
    assert [type(node.op) for node in graph.nodes] == [BinaryDense, ArgMin]


def test_key() -> None:
    s = Sheet(1, 9)
    bound = s.node("Mul", s.weight(normal(1, 9)), s.bits("x"))
    graph = check(s.model(s.node("MatMul", bound, s.weight(normal(9, 4)))), (9,))
    assert isinstance(graph.nodes[0].op, Bind)


def binary_network(rank: int) -> Graph:
    builder = GraphBuilder("network")
    spatial = (9, 7)[:rank]
    x = builder.input("x", (33, *spatial), DType.B1)

    def layer(inputs: int, outputs: int, kind: str) -> BinaryConv | BinaryDense:
        return conv(RNG, inputs, outputs, (3, 2)[:rank], kind) if rank else dense(RNG, inputs, outputs, kind)

    key = builder.add("bound", Bind(RNG.integers(0, 2, (33, *spatial)).astype(bool)), x)
    hidden = builder.add("hidden", layer(33, 20, "b1"), key)
    sums = builder.add("sums", layer(20, 5, "s32"), hidden)
    builder.output(builder.add("class", ArgMin(0), sums))
    builder.output(hidden)
    builder.output(sums)
    return builder.build()


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_exported_and_read_back(rank: int) -> None:
    graph = binary_network(rank)
    model = to_qonnx(graph)
    assert to_onnx(check(model, graph.inputs[0].shape, (1.0, 1.0, 1.0))) == to_onnx(graph)


def test_exported_hypervectors() -> None:
    """Binding, bundling and the search in a class memory, as far as constants go."""
    builder = GraphBuilder("hd")
    x = builder.input("x", (20, 4), DType.B1)
    bound = builder.add("bound", Bind(RNG.integers(0, 2, (20, 4)).astype(bool)), x)
    twice = builder.add("twice", Bind(), bound, builder.add("seeded", Bind(seed=6), x))
    outputs = [
        builder.add(f"{mode}{i}", Bundle(mode), y) for i, y in enumerate((bound, twice)) for mode in ("majority", "xor")
    ]
    distances = builder.add("distances", Hamming(RNG.integers(0, 2, (20, 3)).astype(bool)), outputs[0])
    for name in (*outputs, distances, builder.add("class", ArgMin(0), distances)):
        builder.output(name)
    graph = builder.build()
    model = to_qonnx(graph)
    for _ in range(5):
        x_values = normal(1, 20, 4)
        expected = run(graph, {"x": x_values >= 0})
        for y, found in zip(graph.outputs, evaluate(model, x_values), strict=True):
            integers = expected[y.name].astype(np.int64)
            assert np.array_equal(found, 2 * integers - 1 if y.dtype is DType.B1 else integers), y.name


def check_integers(graph: Graph, low: int, high: int) -> None:
    """Inputs that are no bits are the stored integers."""
    model, shape = to_qonnx(graph), graph.inputs[0].shape
    for _ in range(5):
        x = RNG.integers(low, high, (1, *shape))
        expected = run(graph, {"x": x})[graph.outputs[0].name]
        (found,) = evaluate(model, x)
        assert np.array_equal(found > 0, expected)


@pytest.mark.parametrize("threshold", [np.array(3), np.array([-1, 0, 2, 5])])
@pytest.mark.parametrize("spatial", [(), (3,)])
def test_exported_thresholds(threshold: NDArray, spatial: tuple[int, ...]) -> None:
    builder = GraphBuilder("thresholds")
    builder.output(builder.add("y", Binarize(threshold), builder.input("x", (4, *spatial), DType.S8, 7)))
    check_integers(builder.build(), -8, 8)


def test_exported_projection() -> None:
    builder = GraphBuilder("projection")
    builder.output(builder.add("y", Project.sparse(40, 3, 0.2, 30), builder.input("x", (30,), DType.S16)))
    check_integers(builder.build(), -300, 300)


def projection(bits: int, *shape: int) -> Graph:
    builder = GraphBuilder("projection")
    builder.output(builder.add("y", Project(bits, 3), builder.input("x", shape, DType.S16)))
    return builder.build()


def with_state() -> Graph:
    builder = GraphBuilder("state")
    builder.input("x", (4,), DType.B1)
    builder.input("old", (4,), DType.B1)
    new = builder.add("new", Bind(), "x", "old")
    builder.state(State("old", new, np.zeros(4, bool)))
    builder.output(builder.add("y", dense(RNG, 4, 2, "s32"), new))
    return builder.build()


def scaled() -> Graph:
    builder = GraphBuilder("scaled")
    builder.output(builder.add("y", dense(RNG, 4, 2, "s8"), builder.input("x", (4,), DType.B1)))
    return builder.build()


def held() -> Graph:
    builder = GraphBuilder("held")
    x, memory = builder.input("x", (4,), DType.B1), builder.input("memory", (4, 2), DType.B1)
    builder.output(builder.add("y", Hamming(), x, memory))
    return builder.build()


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (with_state(), "it has states or several entries"),
        (scaled(), "node 'y' (binary_dense): it has no form with BipolarQuant (its sums are requantized"),
        (held(), "its memory is a state, or has several centroids"),
        (projection(1025, 4), "a matrix of more than 1024 rows"),
        (projection(8, 4, 2), "a matrix for each of several positions"),
    ],
)
def test_not_exported(graph: Graph, words: str) -> None:
    with pytest.raises(UserError) as caught:
        to_qonnx(graph)
    assert words in str(caught.value)


def test_other_operators_are_not_exported() -> None:
    with pytest.raises(UserError, match=r"node 'stem' \(conv\): it has no form with BipolarQuant \(another operator\)"):
        to_qonnx(every_operator(1).build())


def spoiled(change: Callable[[Sheet], str]) -> ModelProto:
    sheet = Sheet(1, 4)
    return sheet.model(change(sheet))


def layer(s: Sheet, **how: Any) -> str:
    return s.node("MatMul", s.bits("x"), s.weight(normal(4, 2), how.get("scale", 1.0)))


def planes(s: Sheet) -> str:
    """Bits (2, 3)."""
    s.inputs = Sheet(1, 2, 3).inputs
    return s.bits("x")


def pairs(s: Sheet, **attributes: Any) -> str:
    return s.node("Conv", planes(s), s.weight(normal(4, 2, 2)), **attributes)


def norm(s: Sheet, *changes: Any, **attributes: Any) -> str:
    constants = [np.ones(2), np.zeros(2), np.zeros(2), np.ones(2)]
    for index, value in changes:
        constants[index] = value
    return s.bits(s.node("BatchNormalization", layer(s), *map(s.constant, constants), **attributes))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda s: s.node("MaxPool", planes(s), kernel_shape=[1]),
            "operator MaxPool is not supported in a model of bits",
        ),
        (lambda s: s.node("Quant", layer(s), domain="qonnx.custom_op.general"), "export layers of 8 bits as QCDQ"),
        (lambda s: s.node("BipolarQuant", s.bits("x"), domain="qonnx.custom_op.general"), "it has 1 inputs"),
        (lambda s: s.bits("x", 0.0), "scale is float32 [0.0]\n  supported: finite positive"),
        (lambda s: s.bits("x", [1.0, 2.0, 1.0, 1.0]), "it has 4 scales for an activation"),
        (lambda s: s.bits(s.node("ArgMax", layer(s), axis=1)), "holds no reals"),
        (lambda s: s.node("MatMul", s.bits("x"), s.weight([[np.nan, 1]] * 4)), "x is no float32, or NaN"),
        (
            lambda s: s.node("MatMul", s.bits("x"), s.weight(normal(4, 2), [1, 2, 3])),
            "scale has shape (3,) for x of shape (4, 2)",
        ),
        (
            lambda s: s.node("MatMul", s.bits("x"), s.weight(normal(4, 2), [[1], [2], [1], [1]])),
            "weights of one output have several scales",
        ),
        (lambda s: layer(s, scale=[[1, 2]]), "its real outputs have several factors"),
        (lambda s: s.node("Mul", layer(s), s.constant(0.0)), "its real outputs have several factors, or 0"),
        (lambda s: s.node("Add", layer(s), s.constant([0.5, 1])), "its bias is no multiple of its step"),
        (lambda s: s.node("MatMul", "x", s.weight(normal(4, 2))), "input 'x' is not quantized to bits"),
        (
            lambda s: s.node("MatMul", s.bits("x"), s.constant(normal(4, 2))),
            "is not quantized to bits\n  supported: constants through",
        ),
        (
            lambda s: s.node("MatMul", s.bits("x"), s.weight(normal(3, 2))),
            "weights of 3 inputs do not fit an input (4,)",
        ),
        (
            lambda s: s.node("MatMul", planes(s), s.weight(normal(6, 2))),
            "weights of 6 inputs do not fit an input (2, 3)",
        ),
        (lambda s: s.node("MatMul", s.bits("x"), s.weight(normal(4))), "weight has shape (4,)\n  supported: rank 2"),
        (lambda s: s.node("MatMul", s.bits("x")), "it has 1 inputs\n  supported: 2"),
        (lambda s: s.node("Gemm", s.bits("x"), s.weight(normal(4, 2)), alpha=2.0), "attribute alpha"),
        (lambda s: s.node("Conv", s.node("Flatten", s.bits("x")), s.weight(normal(2, 4, 1))), "its input is flat"),
        (lambda s: pairs(s, group=2), "attribute group = 2 is not supported"),
        (lambda s: pairs(s, kernel_shape=[3]), "attribute kernel_shape is [3]"),
        (lambda s: s.node("Conv", planes(s), s.weight(normal(4, 2, 2)), s.constant([1.0])), "bias has shape (1,)"),
        (lambda s: s.node("Conv", planes(s), s.weight(normal(4, 3, 2))), "does not fit an input of 2 channels"),
        (lambda s: s.node("Flatten", "x"), "it flattens reals"),
        (lambda s: s.node("Flatten", pairs(s)), "it flattens real results over several positions"),
        (lambda s: s.node("Reshape", s.bits("x"), s.constant([2, 2], np.int64)), "shape is [2, 2]"),
        (lambda s: s.node("Transpose", s.bits("x")), "operator Transpose is not supported on activations"),
        (
            lambda s: s.node("MatMul", s.bits("x"), s.node("Transpose", s.weight(normal(4, 2)), perm=[0, 0])),
            "attribute perm is [0, 0]",
        ),
        (lambda s: s.node("Add", s.bits("x"), s.constant(1.0)), "is not the result of a layer"),
        (lambda s: s.node("Add", layer(s)), "it has 1 inputs"),
        (lambda s: s.node("Add", layer(s), s.constant(np.inf)), "finite float32 numbers"),
        (lambda s: s.bits(s.node("Div", s.constant(1.0), layer(s))), "it divides by a layer's result or by 0"),
        (lambda s: s.bits(s.node("Div", layer(s), s.constant(0.0))), "it divides by a layer's result or by 0"),
        (
            lambda s: s.node("Mul", s.bits("x"), s.constant(2.0)),
            "it multiplies bits by something else than constant bits",
        ),
        (lambda s: s.node("Mul", s.bits("x"), s.weight(normal(3))), "constant bits (3,) do not fit (4,)"),
        (lambda s: s.node("Mul", s.bits("x"), s.weight(normal(4), [1, 2, 1, 1])), "constant bits have several scales"),
        (
            lambda s: s.node("BatchNormalization", s.bits("x"), *map(s.constant, [[1] * 4] * 4)),
            "is not the result of a layer",
        ),
        (lambda s: norm(s, (1, np.zeros(3))), "a constant has shape (3,)"),
        (lambda s: norm(s, (3, np.full(2, -1))), "variance + epsilon is -"),
        (lambda s: norm(s, training_mode=1), "attribute training_mode = 1"),
        (lambda s: s.node("ArgMax", s.bits("x"), axis=1), "is not the result of a layer"),
        (lambda s: s.node("ArgMax", layer(s), axis=0), "attribute axis is 0\n  supported: 1"),
        (lambda s: s.node("MatMul", "nowhere", s.weight(normal(4, 2))), "input 'nowhere' is not produced by any node"),
        (lambda s: "nothing", "output 'nothing': it is never produced"),
        (lambda s: "x", "output 'x': it is an input or a constant"),
    ],
)
def test_refusals(change: Callable[[Sheet], str], words: str) -> None:
    with pytest.raises(UserError) as caught:
        from_qonnx(spoiled(change))
    assert words in str(caught.value)


def test_every_problem_in_one_run() -> None:
    s = Sheet(1, 4)
    first = s.node("Relu", layer(s))
    second = s.node("MatMul", s.bits("x"), s.constant(normal(4, 2)))
    with pytest.raises(UserError) as caught:
        from_qonnx(s.model(s.bits(first), s.bits(second)))
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("shape", "element", "words"),
    [
        (("N", 4), TensorProto.FLOAT, "its shape is ['?', 4]"),
        ((2, 4), TensorProto.FLOAT, "its shape is [2, 4]"),
        ((1,), TensorProto.FLOAT, "its shape is [1]"),
        ((1, 4), TensorProto.DOUBLE, "element type DOUBLE is not supported"),
    ],
)
def test_inputs(shape: tuple[int | str, ...], element: int, words: str) -> None:
    s = Sheet(*shape, element=element)
    with pytest.raises(UserError) as caught:
        from_qonnx(s.model(layer(s)))
    assert words in str(caught.value)


def test_nodes_out_of_order() -> None:
    s = Sheet(1, 4)
    layer(s)
    model = s.model("matmul2_out")
    nodes = [helper.make_node(n.op_type, n.input, n.output, n.name, domain=n.domain) for n in model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend([nodes[2], nodes[0], nodes[1]])
    with pytest.raises(UserError, match="is not"):
        from_qonnx(model)


def test_a_node_called_like_an_input() -> None:
    s = Sheet(1, 4)
    s.inputs.append(helper.make_tensor_value_info("matmul2", TensorProto.FLOAT, [1, 4]))
    first = layer(s)
    other = s.node("MatMul", s.bits("matmul2"), s.weight(normal(4, 2)))
    graph = from_qonnx(s.model(s.bits(first), other))
    assert [node.name for node in graph.nodes] == ["matmul2_2", "matmul5"]
