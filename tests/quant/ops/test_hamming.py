"""Hamming distances: constant memories and others, centroids, classes that have seen nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.boards import load_board
from deploy.gap.plan import make_cluster_plan
from deploy.plan import make_plan
from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Graph, GraphBuilder, Tensor
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import Bundle, Hamming, Op
from tests.quant.machines import check_op, graph_of


def some_bits(*shape: int) -> NDArray[np.bool_]:
    return np.random.default_rng(len(shape)).integers(0, 2, shape).astype(bool)


def bit_tensor(name: str, *shape: int) -> Tensor:
    return Tensor(name, shape, DType.B1)


@pytest.mark.parametrize("length", [1, 31, 32, 33, 64, 65, 300])
def test_constant_memory(length: int) -> None:
    check_op(Hamming(some_bits(length, 3)), bit_tensor("x", length))


@pytest.mark.parametrize("centroids", [1, 2])
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("counted", [True, False])
def test_every_form(constant: bool, counted: bool, centroids: int) -> None:
    op = Hamming(some_bits(45, 6) if constant else None, centroids, counted)
    memory = () if constant else (bit_tensor("m", 45, 6),)
    seen = (Tensor("seen", (6 // centroids,), DType.S32),) if counted else ()
    check_op(op, bit_tensor("x", 45), *memory, *seen)
    back = from_onnx(to_onnx(graph_of(op, bit_tensor("x", 45), *memory, *seen))).nodes[0].op
    assert isinstance(back, Hamming) and (back.centroids, back.counted) == (centroids, counted)
    assert np.array_equal(back.memory, op.memory) if back.memory is not None else op.memory is None


def test_values() -> None:
    memory = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [0, 1, 1, 1]], bool)
    values = {"x": np.array([[1, 0, 1], [0, 0, 0]], bool), "seen": np.array([[1, 1], [0, 5]], np.int32)}
    x, seen = bit_tensor("x", 3), Tensor("seen", (2,), DType.S32)
    assert check_op(Hamming(memory, 2, True), x, seen, values=values).tolist() == [[1, 0], [4, 1]]


def test_a_class_without_samples_is_never_the_nearest() -> None:
    values = {"x": np.ones((1, 5), bool), "m": np.stack([np.eye(5, 2)]).astype(bool), "seen": np.array([[0, 1]], "i4")}
    tensors = bit_tensor("x", 5), bit_tensor("m", 5, 2), Tensor("seen", (2,), DType.S32)
    assert check_op(Hamming(counted=True), *tensors, values=values).tolist() == [[6, 4]]


@pytest.mark.parametrize(
    ("op", "inputs", "words"),
    [
        (Hamming(some_bits(8, 4)), [bit_tensor("x", 8), bit_tensor("m", 8, 4)], "it has 2 inputs\n  supported: 1"),
        (Hamming(), [bit_tensor("x", 8)], "it has 1 inputs\n  supported: 2"),
        (Hamming(some_bits(8, 4)), [Tensor("x", (8,))], "input 'x' has type s8"),
        (Hamming(), [bit_tensor("x", 8), Tensor("m", (8, 2))], "input 'm' has type s8"),
        (Hamming(some_bits(8, 4)), [bit_tensor("x", 8, 2)], "input 'x' has shape (8, 2)"),
        (Hamming(some_bits(9, 4)), [bit_tensor("x", 8)], "a memory (9, 4) does not fit an input of 8 bits"),
        (Hamming(some_bits(8)), [bit_tensor("x", 8)], "a memory (8,) does not fit"),
        (Hamming(), [bit_tensor("x", 8), bit_tensor("m", 4, 8)], "a memory (4, 8) does not fit"),
        (Hamming(some_bits(8, 5), 2), [bit_tensor("x", 8)], "5 rows are no multiple of 2 centroids"),
        (Hamming(some_bits(8, 5), 0), [bit_tensor("x", 8)], "5 rows are no multiple of 0 centroids"),
        (
            Hamming(some_bits(8, 4), 2, True),
            [bit_tensor("x", 8), Tensor("seen", (4,), DType.S32)],
            "input 'seen', samples per class, is s32 (4,)\n  supported: s32 (2,)",
        ),
        (Hamming(np.full((8, 4), 2)), [bit_tensor("x", 8)], "the memory holds other values than bits"),
    ],
)
def test_refusals(op: Op, inputs: list[Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(op, *inputs)
    assert words in str(caught.value)


@pytest.mark.parametrize("names", [["x"], ["x", "y.memory", "x"]])
def test_refused_nodes(names: list[str]) -> None:
    model = to_onnx(graph_of(Hamming(some_bits(8, 4)), bit_tensor("x", 8)))
    model.graph.node[0].input[:] = names
    with pytest.raises(UserError, match=f"it has {len(names)} inputs"):
        from_onnx(model)


def search(length: int) -> Graph:
    builder = GraphBuilder("search")
    bundled = builder.add("bundle", Bundle(), builder.input("x", (length, 3), DType.B1))
    builder.output(builder.add("search", Hamming(some_bits(length, 4)), bundled))
    return builder.build()


@pytest.mark.parametrize("board", ["stm32l475", "host"])
def test_bits_are_stored_as_bits(board: str) -> None:
    """An eighth of what int8 takes: the memory in flash, hypervectors in the arena."""
    plan = make_plan(search(320), load_board(board))
    layer = plan.layers[-1]
    assert 8 * layer.constant_bytes == 4 * 320 and plan.weight_bytes == layer.constant_bytes
    sizes = {buffer.name: buffer.size for buffer in plan.arena.buffers}
    assert 8 * sizes["x"] == 3 * 320 and 8 * sizes["bundle"] == 320


def test_bits_are_stored_as_bits_on_a_cluster() -> None:
    plan = make_cluster_plan(search(320), load_board("gap8"))
    sizes = {buffer.name: buffer.size for buffer in plan.l1.buffers}
    assert 8 * plan.l2_constant_bytes == 4 * 320
    assert 8 * sizes["x"] == 3 * 320 and 8 * sizes["bundle"] == 320
