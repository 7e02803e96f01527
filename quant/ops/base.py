"""What an operator of the integer graph has to say about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

Type = tuple[tuple[int, ...], DType, int]  # shape, dtype, zero point
IntArray = NDArray[np.int64]


class Op(ABC):
    """An operator: shape rule, int64 reference, range proofs and its ONNX form, in one file each.

    Attributes:
        kind: the operator's name in reports and errors.
        roots: ONNX operator types that start its pattern in an integer ``model.onnx``.
        keeps_scale: the output has the scale of the first input (operators that only move data).
    """

    kind: ClassVar[str]
    roots: ClassVar[tuple[str, ...]]
    keeps_scale: ClassVar[bool] = False

    @property
    def weights(self) -> int:
        """Number of weights it holds."""
        return 0

    def macs(self, *inputs: Tensor) -> int:
        """Table MACs for these inputs."""
        return 0

    @abstractmethod
    def infer(self, *inputs: Tensor) -> Type:
        """Shape, type and zero point of the output.

        Raises:
            Unsupported: rank, type, attribute or number of inputs does not fit.
        """

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        """Values out of range and accumulators that could overflow, for inputs that passed :meth:`infer`."""
        return iter(())

    @abstractmethod
    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        """The reference: int64 arrays ``(N, *shape)`` in and out; exact."""

    @abstractmethod
    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Append ONNX nodes that compute ``output.name`` from the inputs' names."""

    @classmethod
    @abstractmethod
    def read(cls, root: NodeView) -> Match:
        """Recognise the operator from its first ONNX node.

        Raises:
            Unsupported: the pattern or an attribute is not one EdgeKit executes.
        """


def require(condition: bool, what: str, supported: str = "", fix: str = "") -> None:
    """Raise :class:`Unsupported` unless ``condition`` holds."""
    if not condition:
        raise Unsupported(what, supported, fix)


def require_inputs(
    inputs: Sequence[Tensor], count: int, ranks: Sequence[int] = (1, 2, 3), dtypes: Sequence[DType] = (DType.S8,)
) -> None:
    """Common checks on number, rank and type of inputs."""
    require(len(inputs) == count, f"it has {len(inputs)} inputs", f"{count}")
    for tensor in inputs:
        names = {1: "(F)", 2: "(C, L)", 3: "(C, H, W)"}
        require(
            len(tensor.shape) in ranks,
            f"input '{tensor.name}' has shape {tensor.shape}, rank {len(tensor.shape)} without batch",
            " or ".join(names[rank] for rank in ranks),
            "insert a Reshape",
        )
        require(
            tensor.dtype in dtypes,
            f"input '{tensor.name}' has type {tensor.dtype.value}",
            ", ".join(d.value for d in dtypes),
            "insert a requantization",
        )


def exact_matmul(a: IntArray, b: IntArray) -> IntArray:
    """``a @ b`` in int64, computed by float64 BLAS: every operator proves its sums below 2^31, far below 2^53."""
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)
