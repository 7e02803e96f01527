"""Single layers at the corners of geometry and value range, for every kernel variant that takes them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deploy.layout import Layout
from quant.dtypes import DType
from quant.ops import (
    Add,
    ArgMax,
    AveragePool,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Op,
    Pad,
    Requantize,
    Reshape,
    Slice,
    Table,
    Transpose,
)
from quant.requant import Requant
from tests.firmware.binary_cases import binary_cases
from tests.firmware.bit_cases import bit_cases
from tests.firmware.case import Case, draw, tensor
from tests.firmware.encoder_cases import encoder_cases
from tests.firmware.memory_cases import memory_cases

HIGH = 0.004  # a real factor below 1/4: s >= 33, one high-word multiplication is enough
WIDE = 0.6  # a factor that needs the full 64-bit form


# name: (input shape, outputs, kernel, strides, dilations, pads, groups)
CONVOLUTIONS: dict[
    str, tuple[tuple[int, ...], int, tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...], int]
]
CONVOLUTIONS = {
    "one value": ((1, 1), 1, (1,), (1,), (1,), (0, 0), 1),
    "one wide": ((3, 1), 2, (3,), (1,), (1,), (1, 1), 1),
    "two wide": ((5, 2), 3, (2,), (1,), (1,), (0, 1), 1),
    "pads larger than the input": ((2, 3), 3, (3,), (1,), (2,), (9, 8), 1),
    "input never seen": ((2, 2), 2, (2,), (4,), (1,), (7, 3), 1),
    "causal": ((11, 17), 11, (11,), (1,), (1,), (10, 0), 1),
    "causal dilated": ((11, 23), 5, (11,), (1,), (4,), (40, 0), 1),
    "dilation and a rest": ((7, 19), 4, (4,), (1,), (3,), (5, 2), 1),
    "even channels": ((8, 14), 6, (5,), (1,), (1,), (2, 2), 1),
    "six channels": ((6, 9), 3, (3,), (1,), (1,), (1, 1), 1),
    "one channel": ((1, 40), 3, (9,), (1,), (1,), (4, 4), 1),
    "long kernel": ((1, 60), 2, (25,), (1,), (1,), (24, 0), 1),
    "longer than two bursts": ((3, 50), 3, (31,), (1,), (1,), (30, 3), 1),
    "stride": ((5, 21), 4, (4,), (3,), (1,), (2, 1), 1),
    "stride and dilation": ((4, 30), 2, (3,), (2,), (3,), (6, 0), 1),
    "pointwise": ((9, 13), 5, (1,), (1,), (1,), (0, 0), 1),
    "pointwise with stride": ((9, 13), 2, (1,), (2,), (1,), (0, 0), 1),
    "far taps": ((64, 40), 2, (3,), (1,), (9,), (18, 0), 1),
    "groups": ((6, 12), 9, (3,), (1,), (1,), (1, 1), 3),
    "depthwise": ((5, 12), 5, (3,), (1,), (1,), (1, 1), 5),
    "depthwise, two each": ((4, 15), 8, (4,), (2,), (1,), (0, 3), 4),
    "two-dimensional": ((3, 6, 7), 4, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1),
    "uneven pads": ((2, 5, 4), 3, (3, 2), (1, 1), (1, 1), (2, 0, 1, 3), 1),
    "strides": ((4, 9, 8), 3, (3, 3), (2, 3), (1, 1), (1, 0, 1, 2), 1),
    "dilations": ((2, 9, 11), 2, (2, 3), (1, 1), (3, 2), (3, 4, 0, 4), 1),
    "tall kernel": ((1, 7, 5), 2, (7, 1), (1, 1), (1, 1), (0, 0, 0, 0), 1),
    "rows never seen": ((3, 1, 3), 2, (2, 2), (2, 1), (1, 1), (5, 1, 4, 1), 1),
    "one pixel": ((7, 1, 1), 3, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1),
    "depthwise far from the input": ((3, 7), 3, (5,), (1,), (2,), (25, 30), 3),
    "depthwise plane": ((6, 7, 6), 6, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 6),
    "depthwise columns": ((3, 6, 10), 6, (6, 1), (1, 1), (1, 1), (0, 0, 0, 0), 3),
    "rows, odd filters": ((1, 3, 75), 3, (1, 41), (1, 1), (1, 1), (0, 20, 0, 20), 1),
    "rows of many": ((1, 2, 130), 4, (1, 64), (1, 1), (1, 1), (0, 31, 0, 32), 1),
    "rows, several each": ((2, 3, 37), 6, (1, 16), (1, 1), (1, 1), (0, 7, 0, 8), 2),
    "rows, two planes": ((2, 2, 9), 4, (1, 5), (1, 1), (1, 1), (0, 0, 0, 0), 2),
    "whole columns": ((3, 22, 19), 6, (22, 1), (1, 1), (1, 1), (0, 0, 0, 0), 3),
    "whole columns, three each": ((2, 5, 3), 6, (5, 1), (1, 1), (1, 1), (0, 0, 0, 0), 2),
    "pointwise plane": ((9, 2, 13), 8, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 1),
    "pointwise, few": ((3, 3), 6, (1,), (1,), (1,), (0, 0), 1),
    "long line": ((1, 3, 41), 3, (1, 64), (1, 1), (1, 1), (0, 31, 0, 32), 1),
    "even and odd taps": ((2, 2, 20), 4, (1, 7), (1, 1), (1, 1), (0, 3, 0, 2), 2),
    "narrow line": ((1, 2, 5), 2, (1, 4), (1, 1), (1, 1), (0, 1, 0, 0), 1),
    "line of five, six": ((3, 6), 3, (2,), (1,), (1,), (0, 0), 3),
    "columns of four channels": ((4, 19, 5), 8, (19, 1), (1, 1), (1, 1), (0, 0, 0, 0), 4),
    "columns, one output each": ((8, 9, 4), 8, (8, 1), (1, 1), (1, 1), (0, 0, 0, 0), 8),
    "columns with strides": ((4, 11, 5), 8, (3, 1), (2, 3), (2, 1), (0, 0, 0, 0), 4),
    "grouped plane": ((6, 5, 5), 4, (3, 3), (2, 2), (1, 1), (1, 1, 1, 1), 2),
}


# name: (input shape, kernel, groups), four outputs
CLIPPED: dict[str, tuple[tuple[int, ...], tuple[int, ...], int]] = {
    "rows": ((1, 2, 80), (1, 17), 1),
    "single rows": ((4, 2, 80), (1, 17), 4),
    "whole columns": ((2, 6, 9), (6, 1), 2),
    "planes": ((6, 3, 5), (1, 1), 1),
}


def convolutions(rng: np.random.Generator) -> Iterator[Case]:
    for name, (shape, outputs, kernel, strides, dilations, pads, groups) in CONVOLUTIONS.items():
        for factor in (HIGH, WIDE):
            x = tensor(shape, int(rng.integers(-128, 128)))
            weight = rng.integers(-127, 128, (outputs, shape[0] // groups, *kernel))
            requant = Requant.from_real(rng.uniform(0.5, 1.2, outputs) * factor, zero_point=-7, lo=-128, hi=127)
            bias = rng.integers(-2000, 2000, outputs)
            op = Conv(weight, bias, requant, strides, dilations, pads, groups)
            yield Case(f"{name}, {factor}", op, (x,), (draw(rng, x),))
    for name, requant in requantizations(4).items():
        x = tensor((5, 8), -128)
        weight = rng.choice([-127, -1, 0, 1, 127], (4, 5, 3))
        op = Conv(weight, np.array([0, 1, -100, 100]), requant, (1,), (1,), (1, 1))
        yield Case(f"conv, {name}", op, (x,), (draw(rng, x, "ends"),))
    for name, (shape, kernel, groups) in CLIPPED.items():
        x = tensor(shape, 11)
        requant = Requant.from_real(np.full(4, HIGH), zero_point=-7, lo=-31, hi=90)
        weight = rng.integers(-127, 128, (4, shape[0] // groups, *kernel))
        op = Conv(weight, np.zeros(4, np.int64), requant, (1, 1), (1, 1), (0, 0, 0, 0), groups)
        yield Case(f"{name}, clipped", op, (x,), (draw(rng, x),))


def requantizations(channels: int) -> dict[str, Requant]:
    """Both forms, at the ends of their ranges, with ties, narrow clips and 16-bit outputs."""
    ones = np.ones(channels, np.int64)
    mixed = np.resize([33, 36, 40, 45], channels)
    return {
        "ties up, high form": Requant.of(ones << 30, 37 * ones, zero_point=0, lo=-128, hi=127),
        "ties up, full form": Requant.of(ones << 30, 31 * ones, zero_point=1, lo=-128, hi=127),
        "saturating": Requant.of(ones * (2**31 - 1), 33 * ones, zero_point=-128, lo=-128, hi=127),
        "negative factors": Requant.of(-(ones << 30), mixed, zero_point=5, lo=-128, hi=127),
        "narrow clip": Requant.of(ones << 30, mixed, zero_point=10, lo=-20, hi=90),
        "narrow clip, full form": Requant.of(ones * 5, 3 * ones, zero_point=10, lo=-20, hi=90),
        "truncating": Requant.of(ones * 12345, 20 * ones, a=0 * ones, zero_point=0, lo=-128, hi=127),
        "own rounding": Requant.of(ones << 29, 38 * ones, a=ones * 3 << 33, zero_point=-3, lo=-128, hi=127),
        "odd rounding": Requant.of(ones << 29, 38 * ones, a=ones * ((3 << 33) - 1), zero_point=-3, lo=-128, hi=127),
        "large shift": Requant.of(ones * (2**30 + 1), 60 * ones, zero_point=2, lo=-128, hi=127),
        "16 bits": Requant.of(ones << 30, 34 * ones, zero_point=0, lo=-(2**15), hi=2**15 - 1, dtype=DType.S16),
        "16 bits, full form": Requant.of(ones, ones, zero_point=7, lo=-(2**15), hi=2**15 - 1, dtype=DType.S16),
        "whole tensor": Requant.of(1 << 30, 40, zero_point=0, lo=-128, hi=127),
    }


def dense_layers(rng: np.random.Generator) -> Iterator[Case]:
    for inputs, outputs in ((1, 1), (3, 5), (4, 6), (17, 11), (64, 2), (31, 13)):
        x = tensor((inputs,), int(rng.integers(-128, 128)))
        weight = rng.integers(-127, 128, (outputs, inputs))
        requant = Requant.from_real(rng.uniform(0.5, 1, outputs) * HIGH, zero_point=9, lo=-128, hi=127)
        op = Dense(weight, rng.integers(-999, 999, outputs), requant)
        yield Case(f"{inputs} to {outputs}", op, (x,), (draw(rng, x),))
    for name, requant in requantizations(3).items():
        x = tensor((18,), 127)
        op = Dense(rng.choice([-127, 127], (3, 18)), np.array([0, 5, -5]), requant)
        yield Case(f"dense, {name}", op, (x,), (draw(rng, x, "ends"),))
    x = tensor((60,))
    op = Dense(
        rng.integers(-127, 128, (4, 60)), np.zeros(4, np.int64), Requant.of(1 << 30, 38, zero_point=0, lo=-128, hi=127)
    )
    yield Case("channels-last input", op, (x,), (draw(rng, x),), (Layout((5, 12), (1, 0)),))


def additions(rng: np.random.Generator) -> Iterator[Case]:
    scales: dict[str, tuple[float, float]] = {
        "like": (1.0, 1.0),
        "unlike": (0.37, 2.9),
        "small": (0.003, 0.002),
        "large": (30.0, 60.0),
    }
    for name, (first, second) in scales.items():
        for elements in (1, 3, 4, 21):
            p, q = tensor((elements,), -128, name="p"), tensor((elements,), 127, name="q")
            op = Add.from_scales((first, -128), (second, 127), (1.0, -5), lo=-128, hi=127)
            yield Case(f"{name} scales, {elements}", op, (p, q), (draw(rng, p), draw(rng, q)))
    for name, op in {
        "ties": Add(1 << 15, 3 << 14, 1 << 15, 16, 0),
        "ties in halves": Add(1 << 20, -(1 << 20), 1 << 20, 21, 0),
        "narrow clip": Add(99999, -77777, 12345, 18, 4, -9, 30),
        "carries": Add(0x7FFF_8000, -0x7FFF_8001, -1, 30, 0),
        "largest factors": Add(2**31 - 1, 2**31 - 1, 0, 31, 0),
        "smallest factors": Add(-(2**31), -(2**31), 0, 32, 0),
        "large a": Add(5, 6, 1 << 60, 55, 0),
        "shift 1": Add(1, 1, 1, 1, 0),
    }.items():
        p, q = tensor((3, 50), name="p"), tensor((3, 50), name="q")
        yield Case(name, op, (p, q), (draw(rng, p, "ends" if "factors" in name else "all"), draw(rng, q)))


def pools(rng: np.random.Generator) -> Iterator[Case]:
    geometry: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = {
        "one": ((1, 1), (1,), (1,), (0, 0)),
        "halves": ((5, 9), (2,), (2,), (0, 0)),
        "overlapping": ((4, 9), (3,), (1,), (1, 1)),
        "three channels": ((3, 8), (4,), (3,), (3, 2)),
        "global": ((6, 37), (37,), (1,), (0, 0)),
        "more than a lane holds": ((4, 600), (600,), (1,), (0, 0)),
        "plane": ((7, 6, 5), (3, 2), (2, 1), (1, 0, 2, 1)),
        "global plane": ((8, 5, 7), (5, 7), (1, 1), (0, 0, 0, 0)),
    }
    for name, (shape, kernel, strides, pads) in geometry.items():
        for spread in ("all", "ends"):
            x = tensor(shape, -128 if spread == "ends" else 11)
            values = (
                draw(rng, x, spread)
                if name != "more than a lane holds"
                else np.full(shape, -128 if spread == "ends" else 127)
            )
            yield Case(f"maximum, {name}, {spread}", MaxPool(kernel, strides, pads), (x,), (values,))
            for ratio in (0.9, 40.0):
                op = AveragePool.from_scales(kernel, strides, pads, ratio, zero_point=-4, lo=-128, hi=120)
                yield Case(f"average, {name}, {spread}, {ratio}", op, (x,), (values,))


def elementwise(rng: np.random.Generator) -> Iterator[Case]:
    x = tensor((2, 128))
    every = np.arange(-128, 128).reshape(2, 128)
    yield Case("table", Table(rng.integers(-128, 128, 256)), (x,), (every,))
    yield Case(
        "one value through a table", Table(np.arange(-128, 128)[::-1].copy()), (tensor((1,)),), (np.array([-128]),)
    )
    for name, requant in requantizations(1).items():
        for dtype in (DType.S8, DType.S16, DType.S32):
            wide = tensor((3, 40), -100 if dtype is not DType.S32 else 0, dtype)
            scalar = Requant(
                *(v.reshape(-1)[0] for v in (requant.m, requant.a, requant.s)),
                requant.zero_point,
                requant.lo,
                requant.hi,
                requant.dtype,
            )
            if not list(Requantize(scalar).faults(wide)):
                yield Case(f"requantize {dtype.value}, {name}", Requantize(scalar), (wide,), (draw(rng, wide),))
    for shape, axis in (((5,), 0), ((4, 6), 0), ((4, 6), 1), ((3, 4, 5), 0), ((3, 4, 5), 1), ((3, 4, 5), 2)):
        flat = tensor(shape)
        yield Case(f"argmax of {shape} along {axis}", ArgMax(axis), (flat,), (rng.integers(-2, 3, shape),))


def movements(rng: np.random.Generator) -> Iterator[Case]:
    def case(
        name: str, op: Op, *shapes: tuple[int, ...], dtype: DType = DType.S8, layouts: tuple[Layout, ...] | None = None
    ) -> Case:
        tensors = tuple(tensor(shape, 3, dtype, f"x{i}") for i, shape in enumerate(shapes))
        return Case(name, op, tensors, tuple(draw(rng, t) for t in tensors), layouts)

    for dtype in (DType.S8, DType.S16, DType.S32):
        yield case(f"concat channels {dtype.value}", Concat(0), (2, 5), (3, 5), (1, 5), dtype=dtype)
        yield case(f"slice {dtype.value}", Slice(((1, 4, 2), (0, 5, 3))), (4, 5), dtype=dtype)
        yield case(f"reorder {dtype.value}", Reshape((4, 6)), (4, 6), dtype=dtype, layouts=(Layout((4, 6), (0, 1)),))
    yield case("transpose", Transpose((1, 0)), (4, 5))
    yield case("transpose of a plane", Transpose((2, 0, 1)), (2, 3, 4), dtype=DType.S16)
    yield case("concat along time", Concat(1), (3, 4), (3, 1))
    yield case("concat of planes", Concat(2), (2, 3, 1), (2, 3, 2))
    yield case("concat of flat tensors", Concat(0), (3,), (5,))
    yield case("slice of a plane", Slice(((0, 3, 2), (-3, 4, 1), (1, 6, 4))), (3, 4, 6))
    yield case("one element", Slice(((2, 3, 1), (4, 5, 1))), (3, 5))
    yield case("pad", Pad((1, 2, 0, 3)), (2, 3))
    yield case("pad of a plane", Pad((0, 1, 2, 1, 0, 1)), (2, 3, 2))
    yield case("flatten", Reshape((-1,)), (3, 7))
    yield case("flatten a plane", Reshape((24,)), (2, 3, 4))
    yield case("reshape across dimensions", Reshape((4, 3, 2)), (2, 3, 4))
    yield case("reshape without common factors", Reshape((6, 4)), (8, 3))


def all_cases() -> list[Case]:
    rng = np.random.default_rng(2)
    layers = (convolutions, dense_layers, additions, pools, elementwise, movements)
    on_bits = (bit_cases, binary_cases, memory_cases, encoder_cases)
    return [case for group in (*layers, *on_bits) for case in group(rng)]
