"""Layers on bits at the corners of geometry, with every kind of output, and at the ends of their sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quant.dtypes import DType
from quant.graph import Tensor
from quant.ops import BinaryConv, BinaryDense, Threshold
from quant.requant import Requant
from tests.firmware.case import Case, draw
from tests.quant.binary_models import KINDS, bias_of, dense, finish_of

# name: (input shape, outputs, kernel, strides, dilations, pads)
Geometry = tuple[tuple[int, ...], int, tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]
CONVOLUTIONS: dict[str, Geometry] = {
    "one bit": ((1, 1), 1, (1,), (1,), (1,), (0, 0)),
    "pads larger than the input": ((2, 3), 3, (3,), (1,), (2,), (9, 8)),
    "input never seen": ((2, 2), 33, (2,), (4,), (1,), (7, 3)),
    "causal": ((33, 17), 32, (7,), (1,), (1,), (6, 0)),
    "causal dilated": ((40, 23), 5, (4,), (1,), (4,), (12, 0)),
    "stride and dilation": ((64, 20), 40, (3,), (2,), (3,), (6, 0)),
    "pointwise": ((96, 6), 64, (1,), (1,), (1,), (0, 0)),
    "two-dimensional": ((64, 6, 5), 33, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    "uneven pads": ((31, 5, 4), 3, (3, 2), (1, 1), (1, 1), (2, 0, 1, 3)),
    "strides and dilations": ((70, 9, 8), 3, (2, 3), (2, 3), (3, 2), (1, 0, 1, 2)),
    "rows never seen": ((3, 1, 3), 2, (2, 2), (2, 1), (1, 1), (5, 1, 4, 1)),
    "whole input": ((32, 4, 3), 10, (4, 3), (1, 1), (1, 1), (0, 0, 0, 0)),
    "many words": ((300, 3), 4, (3,), (1,), (1,), (1, 1)),
}


def binary_dense(rng: np.random.Generator) -> Iterator[Case]:
    for inputs, outputs in ((1, 1), (31, 33), (32, 32), (33, 5), (64, 3), (250, 40), (257, 9), (515, 64), (1000, 7)):
        for kind in KINDS:
            x = Tensor("x", (inputs,), DType.B1)
            yield Case(f"binary {inputs} to {outputs} {kind}", dense(rng, inputs, outputs, kind), (x,), (draw(rng, x),))
    for length in (96, 515):
        x, weight = Tensor("x", (length,), DType.B1), np.stack([np.zeros(length), np.ones(length)]).astype(bool)
        ends = np.array([-length, length])
        for name, op in {
            "levels": BinaryDense(weight, np.zeros(2, np.int64), Threshold(ends)),
            "sums": BinaryDense(weight, np.array([-(2**31) + 1 + length, 2**31 - 1 - length])),
            "scaled": BinaryDense(weight, ends, Requant.of([1 << 30] * 2, [40, 31], zero_point=5, lo=-128, hi=127)),
        }.items():
            yield Case(f"ends of {length}, {name}", op, (x,), (np.ones(length, np.int64),))


def binary_conv(rng: np.random.Generator) -> Iterator[Case]:
    for name, (shape, outputs, kernel, strides, dilations, pads) in CONVOLUTIONS.items():
        for kind in KINDS:
            x, weight = Tensor("x", shape, DType.B1), rng.integers(0, 2, (outputs, shape[0], *kernel)).astype(bool)
            finish = finish_of(rng, kind, outputs, weight[0].size)
            op = BinaryConv(weight, bias_of(rng, kind, outputs), finish, strides, dilations, pads)
            yield Case(f"binary {name}, {kind}", op, (x,), (draw(rng, x),))


def binary_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield from binary_dense(rng)
    yield from binary_conv(rng)
