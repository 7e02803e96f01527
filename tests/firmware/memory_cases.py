"""Class memories: every label, some that name no class, counters at their limits, ties."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from quant.dtypes import DType
from quant.ops import Accumulate, Count, Erase, Majority
from tests.firmware.case import Case, draw, tensor


def memory_cases(rng: np.random.Generator) -> Iterator[Case]:
    for dtype, (channels, classes) in product((DType.S16, DType.S32), ((1, 1), (31, 3), (32, 2), (70, 4))):
        memory, flat = tensor((channels, classes), 2, dtype), tensor((classes,), 0, dtype)
        bits, bytes_ = tensor((channels,), 0, DType.B1, "v"), tensor((channels,), -7, DType.S8, "v")
        label = tensor((1,), 0, DType.S32, "label")
        for at in (-1, classes - 1, classes if dtype is DType.S16 else 2**31 - 1):
            name, which = f"{dtype.value} {channels} x {classes}, label {at}", np.array([at])
            for value in (bits, bytes_):
                op, counters = Accumulate.of(dtype, value.dtype), draw(rng, memory, "ends")
                yield Case(f"accumulate {name}", op, (memory, value, label), (counters, draw(rng, value), which))
            yield Case(f"count {name}", Count(dtype.high), (flat, label), (draw(rng, flat, "ends"), which))
            for x in (memory, flat):
                yield Case(f"erase {name}", Erase(), (x, label), (draw(rng, x), which))
        x = tensor((channels, classes), 0, DType.B1)
        yield Case(f"erase bits {channels}", Erase(), (x, label), (draw(rng, x), np.array([0])))
        near = rng.integers(1, 4, memory.shape)  # the zero point, or one beside it
        yield Case(f"majority {dtype.value} {channels}", Majority(2**64 - 3), (memory,), (near,))
