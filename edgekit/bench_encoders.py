"""The operators that make bits whose cost the baseline keeps: on the features of 43 bands of 22 channels."""

from __future__ import annotations

from collections.abc import Mapping

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.ops import LevelEncode, Op, Project

FEATURES = 43 * 253
BOARDS = ("gap8", "gap9", "stm32f756", "stm32l475")


def _one(op: Op) -> Graph:
    builder = GraphBuilder("encoder")
    builder.output(builder.add("encoder", op, builder.input("features", (FEATURES,), DType.S16)))
    return builder.build()


def encoders() -> Mapping[str, Graph]:
    """Graphs of one encoder each, by the name that figures have."""
    return {
        "sparse projection, 10,879 values to 10,000 bits, density 0.1": _one(
            Project.sparse(10_000, 1, density=0.1, values=FEATURES)
        ),
        "gaussian projection, 10,879 values to 1,000 bits": _one(Project(1_000, 1, "gaussian")),
        "thermometer, 10,879 values of 5 bits": _one(LevelEncode("thermometer", 5)),
        "gray, 10,879 values of 5 bits": _one(LevelEncode("gray", 5)),
    }
