"""What a float tensor of a QONNX model stands for while the model is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant.graph import Tensor
from quant.interchange.qcdq.values import Lost
from quant.interchange.view import NodeView
from quant.ops import BinaryConv, BinaryDense
from quant.ops.base import IntArray
from quant.ops.binary import Finish

if TYPE_CHECKING:
    from quant.interchange.qonnx.importer import Importer

DOMAIN = "qonnx.custom_op.general"
BIPOLAR = f"{DOMAIN}.BipolarQuant"


@dataclass(frozen=True)
class Real:
    """An input of the model; the graph takes the bits that its quantizer makes of it."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Signs:
    """A quantized constant: real value = ``steps`` where ``bits`` are 1, -``steps`` elsewhere; equal shapes."""

    bits: NDArray[np.bool_]
    steps: NDArray[np.float32]

    def moved(self, move: Callable[[NDArray], NDArray]) -> Signs:
        return Signs(move(self.bits), move(self.steps))


@dataclass(frozen=True)
class Bits:
    """A tensor of bits in the graph: real value = ``step`` where it is 1, -``step`` elsewhere.

    Attributes:
        flat: whether the model has flattened it; the graph has not.
    """

    tensor: Tensor
    step: Fraction
    flat: bool = False

    @property
    def spatial(self) -> int:
        """Axes behind the channels, as the model has them."""
        return 0 if self.flat else len(self.tensor.shape) - 1


Make = Callable[[bool | NDArray[np.bool_], IntArray, Finish], BinaryDense | BinaryConv]


@dataclass(frozen=True, eq=False)
class Sums:
    """What a layer computes: real value = slope * sum + offset, per output; a quantizer or an output says what of it.

    Attributes:
        make: the operator, given which outputs' weights change sign, biases, and what becomes of the sums.
        terms: the largest value that a sum can have.
        flat: whether the model has flattened it; the graph has not.
    """

    view: NodeView
    source: Tensor
    make: Make
    terms: int
    spatial: int
    slopes: tuple[Fraction, ...]
    offsets: tuple[Fraction, ...]
    flat: bool = False
    results: dict[str, Tensor] = field(default_factory=dict)

    @property
    def outputs(self) -> int:
        return len(self.slopes)

    def scaled(self, factors: tuple[Fraction, ...]) -> Sums:
        slopes, offsets = (
            tuple(a * b for a, b in zip(line, factors, strict=True)) for line in (self.slopes, self.offsets)
        )
        return replace(self, slopes=slopes, offsets=offsets, results={})

    def moved(self, by: tuple[Fraction, ...]) -> Sums:
        offsets = tuple(a + b for a, b in zip(self.offsets, by, strict=True))
        return replace(self, offsets=offsets, results={})


@dataclass(frozen=True)
class Plain:
    """A tensor of the graph whose real values are its integers: sums, indices."""

    tensor: Tensor


Value = Lost | Real | Signs | Bits | Sums | Plain
Layer = Callable[["Importer", NodeView], Value]
