"""Models with states that several tests build."""

from __future__ import annotations

from typing import Any

import numpy as np

from quant.dtypes import DType
from quant.graph import Entry, Graph, GraphBuilder, State
from quant.ops import Concat, Requantize, Slice
from quant.requant import Requant

ALL = (0, 1 << 31, 1)


def shifting(initial: Any, shape: tuple[int, ...] = (3, 8), new: int = 2, dtype: DType = DType.S8) -> Graph:
    """The last positions of everything it was given, the oldest first; ``new`` of them per call."""
    b = GraphBuilder("shifting")
    x = b.input("x", (*shape[:-1], new))
    if dtype is not DType.S8:
        x = b.add("wide", Requantize(Requant.from_real(200.0, zero_point=0, lo=-32768, hi=32767, dtype=dtype)), x)
    past = b.input("past", shape, dtype)
    kept = b.add("kept", Slice((*(ALL,) * (len(shape) - 1), (new, 1 << 31, 1))), past)
    after = b.add("after", Concat(len(shape) - 1), kept, x)
    b.state(State(past, after, np.broadcast_to(initial, shape)))
    b.entry(Entry("step", ("x",), (b.add("seen", Slice((ALL,) * len(shape)), after),)))
    b.output("seen")
    return b.build()
