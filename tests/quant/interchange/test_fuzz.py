"""Damaged models end in a UserError or in a graph that runs; no other exception, ever."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from google.protobuf.message import Message
from onnx import ModelProto, TensorProto

from quant.errors import UserError
from quant.graph import State
from quant.interchange.model import parse
from quant.interchange.read import from_proto
from quant.interchange.write import to_onnx
from quant.ops import Slice
from tests.quant.interchange.qdq import Sheet
from tests.quant.models import every_operator


def integer_model() -> ModelProto:
    """Every operator, an entry of its own and a state."""
    builder = every_operator(1)
    builder.input("h", (2, 3))
    after = builder.add("h_next", Slice(((0, 2, 1), (0, 3, 1))), "h")
    builder.state(State("h", after, np.ones((2, 3), np.int8), "nvm"))
    return to_onnx(builder.build())


def qcdq_model() -> ModelProto:
    """Convolutions with padding, residual addition, pooling, a table and a dense layer."""
    s, rng = Sheet(2, 1, 8), np.random.default_rng(0)

    def weight(*shape: int) -> str:
        return s.weight(rng.integers(-127, 128, shape), rng.uniform(0.001, 0.002, shape[0]))

    x = s.node("Squeeze", s.qdq("x", 0.02), s.constant([2], np.int64))
    pads = s.node("Cast", s.constant([0, 0, 2, 0, 0, 0], np.int32), to=TensorProto.INT64)
    y = s.node("Conv", s.node("Pad", x, pads), weight(4, 2, 3))
    y = s.qdq(s.node("Relu", y), 0.031, clip=(0, 200))
    z = s.qdq(s.node("Conv", x, weight(4, 2, 1)), 0.017, dtype=np.int8)
    y = s.qdq(s.node("Add", y, z), 0.04)
    y = s.node("Concat", s.qdq(s.node("Tanh", y), 0.04), y, axis=1)
    y = s.node("Flatten", s.qdq(s.node("AveragePool", y, kernel_shape=[2], strides=[2]), 0.04))
    y = s.qdq(s.node("Gemm", y, weight(3, 32), transB=1), 0.05)
    return s.model(y, info='{"classes": [1, 2, 3]}')


MODELS: dict[str, Callable[[], ModelProto]] = {"integer": integer_model, "qcdq": qcdq_model}


def survives(data: bytes) -> bool:
    """Whether the bytes were read as a graph; raises whatever is no UserError."""
    try:
        graph = from_proto(parse(data))
    except UserError as error:
        assert error.problems and all(problem.what for problem in error.problems)
        return False
    assert to_onnx(graph).ByteSize() > 0
    return True


@pytest.mark.parametrize("kind", MODELS)
def test_whole_model_is_read(kind: str) -> None:
    assert survives(MODELS[kind]().SerializeToString())


@pytest.mark.parametrize("kind", MODELS)
def test_truncation(kind: str) -> None:
    data = MODELS[kind]().SerializeToString()
    rng = random.Random(0)
    for length in {0, 1, len(data) - 1, *(rng.randrange(len(data)) for _ in range(100))}:
        survives(data[:length])
    assert not survives(data[: len(data) // 2])


@pytest.mark.parametrize("kind", MODELS)
def test_flipped_bytes(kind: str) -> None:
    data = MODELS[kind]().SerializeToString()
    rng = random.Random(1)
    for _ in range(400):
        broken = bytearray(data)
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            broken[rng.randrange(len(data))] = rng.choice([0, 0xFF, rng.randrange(256)])
        survives(bytes(broken))


@pytest.mark.parametrize("kind", MODELS)
def test_changed_fields(kind: str) -> None:
    """Mutations that keep the file well formed reach deeper than flipped bytes."""
    model = MODELS[kind]()
    rng = random.Random(2)
    for _ in range(250):
        mutant = ModelProto()
        mutant.CopyFrom(model)
        for _ in range(rng.choice([1, 1, 2, 3])):
            mutate(mutant, rng)
        survives(mutant.SerializeToString())


def mutate(root: Message, rng: random.Random) -> None:
    """Change, remove, repeat or swap one field somewhere below ``root``."""
    message = root
    while True:
        fields = message.ListFields()
        if not fields:
            return
        field, value = rng.choice(fields)
        repeated = not isinstance(value, str | bytes | int | float | Message)
        child = rng.choice(list(value)) if repeated and len(value) else value
        if isinstance(child, Message) and rng.random() < 0.85:
            message = child
        else:
            break
    if rng.random() < 0.25:
        message.ClearField(field.name)
    elif repeated and len(value):
        index = rng.randrange(len(value))
        action = rng.choice(["delete", "swap", "repeat", "change"])
        if action == "delete" or (isinstance(value[index], Message) and action == "change"):
            del value[index]
        elif action == "repeat":
            value.append(value[index])
        elif action == "swap" and not isinstance(value[index], Message):
            value[index] = value[rng.randrange(len(value))]
        elif not isinstance(value[index], Message):
            value[index] = other(value[index], rng)
    elif not isinstance(value, Message):
        try:
            setattr(message, field.name, other(value, rng))
        except ValueError:  # an enumeration or a smaller integer
            setattr(message, field.name, 1)


def other(value: str | bytes | float, rng: random.Random) -> str | bytes | int | float:
    if isinstance(value, str):
        return rng.choice(["", "x", "Conv", "Cast", value + "_", value[:-1], "{}", '{"format": 1, "tensors": 3}'])
    if isinstance(value, bytes):
        return rng.choice([b"", value[:-1], value + b"\0", bytes(rng.randrange(256) for _ in value)])
    if isinstance(value, float):
        return rng.choice([0.0, -1.0, float("nan"), float("inf"), 1e30, 1e-30])
    return rng.choice([0, 1, -1, 2, 3, 7, 16, 255, value + 1, value - 1, 1 << 20, 1 << 40, -(1 << 62), (1 << 63) - 1])


@pytest.mark.parametrize("size", [-1, 0, 1 << 31, 1 << 40, (1 << 63) - 1])
def test_absurd_sizes(size: int) -> None:
    for make in MODELS.values():
        for field in range(2):
            model = make()
            info = model.graph.input[0] if field else model.graph.output[0]
            while len(info.type.tensor_type.shape.dim) < 2:
                info.type.tensor_type.shape.dim.add()
            info.type.tensor_type.shape.dim[1].dim_value = size
            if field:
                assert not survives(model.SerializeToString())
        model = make()
        model.graph.initializer[0].dims[:] = [size, size]
        survives(model.SerializeToString())
