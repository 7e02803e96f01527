"""Thermometer and Gray-like codes: levels from exact statistics of each sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Tensor
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.ops import LevelEncode
from quant.ops.level_encode import DEVIATIONS, Code
from tests.quant.machines import agree, check_op, graph_of
from tests.quant.plain_encoders import gray_word

CODES: tuple[Code, ...] = ("thermometer", "gray")


def features(*shape: int) -> Tensor:
    return Tensor("x", shape, DType.S16)


def samples(n: int, *spatial: int) -> dict[str, NDArray]:
    """Ordinary samples, constant ones, one value apart from the rest, the ends of the range."""
    rng = np.random.default_rng(n)
    x = rng.normal(0, 2000, (8, n, *spatial)).astype(np.int16)
    x[1], x[2], x[3], x[4] = 0, -32768, 32767, 17
    x[4, 0] = 18
    x[5] = rng.choice([-32768, 32767], (n, *spatial))
    x[6] = rng.integers(-3, 4, (n, *spatial))
    return {"x": x}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("bits", [2, 3, 5, 18, 33])
@pytest.mark.parametrize("shape", [(1,), (2,), (29,), (11, 3), (4, 1)])
def test_machines_agree(code: Code, bits: int, shape: tuple[int, ...]) -> None:
    check_op(LevelEncode(code, bits), features(*shape), values=samples(*shape))


def published(x: NDArray, code: Code, q: int) -> NDArray:
    """Levels (N, n) in float64, truncating towards zero."""
    mean, deviation = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    at = (x - mean) / (DEVIATIONS[code] * deviation) * q + (q - 1) / 2
    return np.clip(np.trunc(at), 0, q - 1).astype(np.int64)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("bits", [2, 3, 5, 21, 37])
def test_levels_are_the_published_ones(code: Code, bits: int) -> None:
    """The root is rounded down: where that moves a value over a border, the levels are neighbours."""
    x = np.random.default_rng(bits).normal(0, 3000, (20, 253)).astype(np.int16).astype(np.int64)
    op = LevelEncode(code, bits)
    found, wanted = op.level_of(x), published(x, code, op.levels)
    assert np.count_nonzero(found != wanted) <= 2 and np.abs(found - wanted).max() <= 1


def test_words() -> None:
    def words(code: Code, count: int) -> list[list[int]]:
        return LevelEncode(code, 4).words(np.arange(count)[None])[0].astype(int).tolist()

    assert words("thermometer", 4) == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert words("gray", 6) == [[0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 0, 0]]


@pytest.mark.parametrize("bits", [2, 3, 4, 7, 40])
def test_every_gray_word(bits: int) -> None:
    op = LevelEncode("gray", bits)
    expected = [gray_word(bits, level) for level in range(op.levels)]
    assert op.words(np.arange(op.levels)[None])[0].astype(int).tolist() == expected


def test_many_values_at_the_ends_of_the_range() -> None:
    x = np.full((2, 10879), -32768, np.int16)
    x[0, ::2], x[1, 0] = 32767, -32767
    agree(graph_of(LevelEncode("gray", 37), features(10879)), {"x": x})


@pytest.mark.parametrize("code", CODES)
def test_comes_back_from_onnx(code: Code) -> None:
    op = LevelEncode(code, 5)
    assert from_onnx(to_onnx(graph_of(op, features(7, 2)))).nodes[0].op == op


@pytest.mark.parametrize(
    ("op", "x", "words"),
    [
        (LevelEncode("gray", 4), Tensor("x", (4,)), "input 'x' has type s8"),
        (LevelEncode("gray", 4), features(4, 2, 2), "rank 3"),
        (LevelEncode("grey", 4), features(4), "code 'grey' does not exist"),  # type: ignore[arg-type]
        (LevelEncode("thermometer", 1), features(4), "a word has 1 bits"),
        (LevelEncode("thermometer", 2), features(65536), "65536 values per position"),
        (LevelEncode("gray", 300), features(60000), "60000 values at 44850 levels"),
    ],
)
def test_refusals(op: LevelEncode, x: Tensor, words: str) -> None:
    with pytest.raises(UserError) as caught:
        graph_of(op, x)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda node: node.input.append("x"), "it has 2 inputs"),
        (lambda node: node.attribute.pop(), "a word has 0 bits"),
    ],
)
def test_damaged_models(change: Any, words: str) -> None:
    model = to_onnx(graph_of(LevelEncode("gray", 4), features(4)))
    change(model.graph.node[0])
    with pytest.raises(UserError) as caught:
        from_onnx(model)
    assert words in str(caught.value)
