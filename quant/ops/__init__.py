"""The operators of the integer graph, one file each (movement: the four that only move data)."""

from quant.ops.add import Add
from quant.ops.argmax import ArgMax
from quant.ops.base import Op
from quant.ops.conv import Conv
from quant.ops.dense import Dense
from quant.ops.movement import Concat, Pad, Reshape, Slice
from quant.ops.pool import AveragePool, MaxPool
from quant.ops.requantize import Requantize
from quant.ops.table import Table

OPS: tuple[type[Op], ...] = (
    Conv,
    Dense,
    Add,
    AveragePool,
    MaxPool,
    Table,
    Concat,
    Slice,
    Pad,
    Reshape,
    Requantize,
    ArgMax,
)

__all__ = [
    "OPS",
    "Add",
    "ArgMax",
    "AveragePool",
    "Concat",
    "Conv",
    "Dense",
    "MaxPool",
    "Op",
    "Pad",
    "Requantize",
    "Reshape",
    "Slice",
    "Table",
]
