"""Operators that make bits: rows of whole words and others, constant samples, the ends of the range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.ops import Binarize, LevelEncode, Project
from quant.ops.level_encode import Code
from tests.firmware.case import Case, draw, tensor

CODES: tuple[tuple[Code, int], ...] = (
    *(("thermometer", bits) for bits in (2, 5, 32, 33, 70)),
    *(("gray", bits) for bits in (2, 3, 5, 8, 18, 32, 33, 101)),
)


def thresholds(rng: np.random.Generator) -> Iterator[Case]:
    for dtype in (DType.S8, DType.S16, DType.S32):
        for shape in ((1,), (77,), (64, 3), (5, 2, 3)):
            x = tensor(shape, 0, dtype)
            for threshold in (np.array(dtype.low // 5), rng.integers(dtype.low, dtype.high, shape[0])):
                kind = "one" if threshold.ndim == 0 else "several"
                yield Case(f"binarize {dtype.value} {shape}, {kind}", Binarize(threshold), (x,), (draw(rng, x),))
    x = tensor((40,), 0, DType.S32)
    values = draw(rng, x, "ends")
    yield Case("binarize at the lowest threshold", Binarize(np.array(-(2**31))), (x,), (values,))
    yield Case("binarize at the highest threshold", Binarize(np.array(2**31 - 1)), (x,), (values,))


def samples(rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Of ordinary ones a number that no team shares evenly; every position of another kind."""
    yield "one value", np.array([5])
    yield "two values", np.array([-32768, 32767])
    yield "constant", np.full(40, -32768)
    yield "one apart", np.eye(1, 70, 3, dtype=np.int64)[0]
    yield "small numbers", rng.integers(-2, 3, 100)
    yield "ends", rng.choice([-32768, 32767], 64)
    yield "everything", rng.integers(-32768, 32768, 301)
    yield "all but one at the end", np.concatenate([np.full(128, 32767), [-32768]])
    mixed = rng.normal([0, 5000, -2000, 12000], [1, 30, 1000, 9000], (67, 4))
    yield "positions", np.clip(np.round(mixed), -32768, 32767).astype(np.int64)


def level_codes(rng: np.random.Generator) -> Iterator[Case]:
    for name, values in samples(rng):
        for code, bits in CODES if name in ("everything", "positions") else (("thermometer", 5), ("gray", 18)):
            x = tensor(values.shape, 0, DType.S16)
            yield Case(f"{code} of {bits} bits, {name}", LevelEncode(code, bits), (x,), (values,))
    edges = np.arange(-600, 601)
    yield Case("every border", LevelEncode("gray", 60), (tensor(edges.shape, 0, DType.S16),), (edges,))


def projections(rng: np.random.Generator) -> Iterator[Case]:
    """Blocks of all numbers per word, blocks that do not divide the values, rows that do not fill words of bits."""
    forms = [("sparse", block) for block in (1, 2, 10, 16, 17, 200, 257)] + [("gaussian", 1)]
    for values, positions in ((1, ()), (2, ()), (31, ()), (64, ()), (300, ()), (517, ()), (61, (3,)), (96, (2,))):
        x = tensor((values, *positions), 0, DType.S16)
        for distribution, block in forms:
            if block <= values:
                op = Project(int(rng.integers(1, 80)), int(rng.integers(0, 2**63)) * 2 + 1, distribution, block)
                yield Case(f"{distribution} projection of {x.shape}, blocks of {block}", op, (x,), (draw(rng, x),))
    for distribution in ("sparse", "gaussian"):
        x = tensor((999,), 0, DType.S16)
        lowest = np.full(999, -32768)
        yield Case(f"{distribution} projection of lowest values", Project(64, 5, distribution), (x,), (lowest,))


def encoder_cases(rng: np.random.Generator) -> Iterator[Case]:
    for group in (thresholds, level_codes, projections):
        yield from group(rng)
