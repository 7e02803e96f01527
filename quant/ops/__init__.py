"""The operators of the integer graph, one file each (movement: the four that only move data;
class_memory: the three that change one class)."""

from quant.ops.add import Add
from quant.ops.argmax import ArgMax
from quant.ops.argmin import ArgMin
from quant.ops.base import Op
from quant.ops.binarize import Binarize
from quant.ops.binary import Threshold
from quant.ops.binary_conv import BinaryConv
from quant.ops.binary_dense import BinaryDense
from quant.ops.bind import Bind
from quant.ops.bundle import Bundle
from quant.ops.class_memory import Accumulate, Count, Erase
from quant.ops.conv import Conv
from quant.ops.dense import Dense
from quant.ops.hamming import Hamming
from quant.ops.level_encode import LevelEncode
from quant.ops.majority import Majority
from quant.ops.movement import Concat, Pad, Reshape, Slice
from quant.ops.pool import AveragePool, MaxPool
from quant.ops.project import Project
from quant.ops.requantize import Requantize
from quant.ops.table import Table
from quant.ops.transpose import Transpose

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
    Transpose,
    Requantize,
    ArgMax,
    ArgMin,
    Binarize,
    LevelEncode,
    Project,
    Bind,
    Bundle,
    Hamming,
    BinaryDense,
    BinaryConv,
    Accumulate,
    Count,
    Erase,
    Majority,
)

__all__ = [
    "OPS",
    "Accumulate",
    "Add",
    "ArgMax",
    "ArgMin",
    "AveragePool",
    "Binarize",
    "BinaryConv",
    "BinaryDense",
    "Bind",
    "Bundle",
    "Concat",
    "Conv",
    "Count",
    "Dense",
    "Erase",
    "Hamming",
    "LevelEncode",
    "Majority",
    "MaxPool",
    "Op",
    "Pad",
    "Project",
    "Requantize",
    "Reshape",
    "Slice",
    "Table",
    "Threshold",
    "Transpose",
]
