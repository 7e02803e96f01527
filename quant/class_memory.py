"""A class memory of prototypes that learns on the device: what turns a graph of bits into a model with three entries.

A class has a counter for each of D bits: a sample's ones count up, its zeros down, and the class's prototype has the
signs of its counters. A query belongs to the class whose prototype is nearest among those that have seen samples.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.graph import Entry, GraphBuilder, State, Tensor
from quant.ops import Accumulate, ArgMin, Count, Erase, Hamming, Majority

LABEL, COUNTERS, PROTOTYPES, SEEN = "label", "counters", "prototypes", "seen"
LEARNED, FORGOTTEN = "learned", "forgotten"


def add_class_memory(
    builder: GraphBuilder,
    inputs: tuple[str, ...],
    query: str,
    counters: NDArray,
    seen: NDArray,
    *,
    seed: int = 0,
    storage: Literal["ram", "nvm"] = "nvm",
) -> None:
    """Add states and the entries ``classify``, ``learn`` and ``forget``.

    * ``classify``: the inputs -> ``class`` s32 (1,), ``distance`` s32 (C,)
    * ``learn``: the inputs and ``label`` s32 (1,) -> samples seen per class, s32 (C,)
    * ``forget``: ``label`` -> samples seen per class

    Args:
        inputs: inputs of the graph that ``query`` is computed from.
        query: tensor of bits (D,).
        counters: integers (D, C), what every class has seen so far: ones less zeros; zeros for a memory without
            samples. Values beyond int16 are clipped.
        seen: integers (C,), how many samples that were.
        seed: of the tie bits, see :class:`quant.ops.Majority`.
    """
    b, majority = builder, Majority(seed)
    counters = np.clip(counters, DType.S16.low, DType.S16.high).astype(np.int64)
    memory = b.input(COUNTERS, counters.shape, DType.S16)
    prototypes = b.input(PROTOTYPES, counters.shape, DType.B1)
    samples, label = b.input(SEEN, seen.shape, DType.S32), b.input(LABEL, (1,), DType.S32)
    distance = b.add("distance", Hamming(counted=True), query, prototypes, samples)
    nearest = b.add("class", ArgMin(0), distance)
    for form in (LEARNED, FORGOTTEN):
        changed = f"{COUNTERS}.{form}"
        if form == LEARNED:
            b.add(changed, Accumulate.of(DType.S16, DType.B1), memory, query, label)
            b.add(f"{SEEN}.{form}", Count(DType.S32.high), samples, label)
        else:
            b.add(changed, Erase(), memory, label)
            b.add(f"{SEEN}.{form}", Erase(), samples, label)
        b.add(f"{PROTOTYPES}.{form}", majority, changed)
    bits = majority.evaluate([counters[None]], [Tensor(memory, counters.shape, DType.S16)])[0]
    for name, initial in ((memory, counters), (prototypes, bits), (samples, seen.astype(np.int64))):
        b.state(State(name, f"{name}.{LEARNED}", initial, storage, (f"{name}.{FORGOTTEN}",)))
    b.entry(Entry("classify", inputs, (nearest, distance)))
    for entry, given, form in (("learn", (*inputs, label), LEARNED), ("forget", (label,), FORGOTTEN)):
        updates = tuple(f"{name}.{form}" for name in (memory, prototypes, samples))
        b.entry(Entry(entry, given, (f"{SEEN}.{form}",), updates))
