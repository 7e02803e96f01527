"""Operators on bits: rows of whole words and others, ties, ends of the range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.graph import Tensor
from quant.ops import ArgMin, Bind, Bundle, Hamming
from tests.firmware.case import Case, draw, tensor

LENGTHS = (1, 31, 32, 33, 64, 95, 256, 257, 300, 511, 1000)


def bit_tensor(name: str, *shape: int) -> Tensor:
    return Tensor(name, shape, DType.B1)


def some_bits(rng: np.random.Generator, *shape: int) -> NDArray[np.bool_]:
    return rng.integers(0, 2, shape).astype(bool)


def hamming(rng: np.random.Generator) -> Iterator[Case]:
    for length in LENGTHS:
        x, classes, centroids = bit_tensor("x", length), int(rng.integers(1, 6)), int(rng.integers(1, 3))
        memory = bit_tensor("memory", length, classes * centroids)
        seen = tensor((classes,), 0, DType.S32, "seen")
        values, counts = (draw(rng, x), draw(rng, memory)), np.append(1, rng.integers(-1, 3, classes - 1))
        for counted in (False, True):
            extra, held = ((seen,), (counts,)) if counted else ((), ())
            name = f"hamming of {length} bits, {classes} x {centroids}{', seen' if counted else ''}"
            op = Hamming(values[1].astype(bool), centroids, counted)
            yield Case(f"{name}, constant", op, (x, *extra), (values[0], *held))
            yield Case(name, Hamming(None, centroids, counted), (x, memory, *extra), (*values, *held))
    for length in (96, 515):
        x = bit_tensor("x", length)
        rows = np.stack([np.zeros(length), np.ones(length), np.arange(length) % 2], axis=1).astype(bool)
        yield Case(f"farthest and nearest of {length}", Hamming(rows), (x,), (np.ones(length, np.int64),))


def bindings(rng: np.random.Generator) -> Iterator[Case]:
    for shape in ((1,), (70,), (33, 5), (300, 3), (5, 2, 3), (1025,)):
        x, other = bit_tensor("x", *shape), bit_tensor("other", *shape)
        yield Case(f"bind {shape} with a key", Bind(some_bits(rng, *shape)), (x,), (draw(rng, x),))
        yield Case(f"bind {shape} with a seed", Bind(seed=int(rng.integers(1 << 63)) * 2 + 1), (x,), (draw(rng, x),))
        yield Case(f"bind {shape}", Bind(), (x, other), (draw(rng, x), draw(rng, other)))


def bundles(rng: np.random.Generator) -> Iterator[Case]:
    for length, positions in (
        *((67, n) for n in range(1, 10)),
        *((length, 15) for length in (1, 32, 300)),
        *((40, n) for n in (16, 31, 32, 33, 43, 63, 64, 100)),
    ):
        x = bit_tensor("x", length, positions)
        values = draw(rng, x)
        values[0], values[-1] = 1, np.arange(positions) < -(-positions // 2)  # all of them; a tie, or one more
        yield Case(f"majority of {positions} x {length}", Bundle("majority"), (x,), (values,))
        yield Case(f"parity of {positions} x {length}", Bundle("xor"), (x,), (values,))


def smallest(rng: np.random.Generator) -> Iterator[Case]:
    for shape, axis in (((5,), 0), ((1,), 0), ((4, 6), 0), ((4, 6), 1), ((3, 4, 5), 1)):
        for dtype in (DType.S8, DType.S32):
            x = tensor(shape, 0, dtype)
            yield Case(
                f"argmin of {dtype.value} {shape} along {axis}", ArgMin(axis), (x,), (rng.integers(-2, 3, shape),)
            )
    wide = tensor((3,), 0, DType.S32)
    yield Case("argmin at the ends", ArgMin(), (wide,), (np.array([2**31 - 1, -(2**31), -(2**31)]),))


def bit_cases(rng: np.random.Generator) -> Iterator[Case]:
    for group in (hamming, bindings, bundles, smallest):
        yield from group(rng)
