"""Small models with a front end in front of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.front_end import KEY, FrontEnd
from quant.graph import Graph, GraphBuilder
from quant.ops import Dense, Requantize
from quant.requant import Requant
from tests.firmware.front_ends import fitted, windows

EDGES = [(4.0, 8.0), (8.0, 24.0), (8.0, 40.0)]


def front_and_windows(channels: int = 6, samples: int = 170) -> tuple[FrontEnd, NDArray[np.int16]]:
    x = windows(np.random.default_rng(9), 8, channels, samples)
    return fitted(x, EDGES), x


def graph_of(front: FrontEnd) -> Graph:
    """Features as bytes, then three sums of them."""
    elements = front.bands * front.per_band
    builder = GraphBuilder("with front end", {KEY: front.to_info()})
    builder.input("features", (elements,), DType.S16, 0, front.scale)
    to_bytes = Requant.of(1 << 30, 36, zero_point=0, lo=-128, hi=127)
    narrow = builder.add("bytes", Requantize(to_bytes), "features")
    weight = np.random.default_rng(1).integers(-127, 128, (3, elements))
    requant = Requant.of(np.full(3, 1 << 30), np.full(3, 42), zero_point=0, lo=-128, hi=127)
    builder.output(builder.add("sums", Dense(weight, np.zeros(3, np.int64), requant), narrow))
    return builder.build()
