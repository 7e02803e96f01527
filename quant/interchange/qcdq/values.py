"""What a float tensor of a QCDQ model stands for while the model is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from quant.graph import Tensor
from quant.interchange.view import NodeView
from quant.lowering import Scale
from quant.ops import Op

if TYPE_CHECKING:
    from quant.interchange.qcdq.importer import Importer


class Reported(Exception):
    """What was needed is lost; its problem is already noted."""


@dataclass(frozen=True)
class Lost:
    """Something whose origin was already reported as a problem."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A dequantized constant: real value = ``integers`` * ``steps`` along ``axis``; its zero points are 0."""

    integers: NDArray
    steps: NDArray
    axis: int


@dataclass(frozen=True)
class Stored:
    """The real values of a tensor of the integer graph: step * (q - zero point)."""

    tensor: Tensor
    scale: Scale


@dataclass(frozen=True)
class Padded:
    """``source`` with zeros around it: a convolution takes them as its own padding, anything else as a Pad node."""

    source: Stored
    pads: tuple[int, ...]
    view: NodeView


@dataclass(eq=False)
class Pending:
    """A real result that waits for the quantizer that turns it into integers.

    Attributes:
        view: the node that computes it, for messages; None for an input of the model.
        shape: without batch, where it is known.
        finish: adds the operator for the given output quantization to the graph.
        low, high: bounds that ReLU and Clip put on the real values.
        moves: operators that commute with quantization and follow the one that ``finish`` adds.
        biased: the same with a constant added (input of the given node), where the operator can take one.
        base: what ``finish`` added, shared with everything derived from it; one quantization is all it may get.
        results: what this became, per quantizer.
    """

    view: NodeView | None
    finish: Callable[[Scale], Stored]
    low: Fraction | None = None
    high: Fraction | None = None
    moves: tuple[tuple[NodeView, Callable[[Tensor], Op]], ...] = ()
    biased: Callable[[NodeView, int], Pending] | None = None
    base: dict[Scale, Stored | Lost] = field(default_factory=dict)
    results: dict[Scale, Stored | Lost] = field(default_factory=dict)


@dataclass(frozen=True)
class Integers:
    """The output of QuantizeLinear, whose bounds an integer Clip may still narrow."""

    view: NodeView
    source: Stored | Pending
    scale: Scale


@dataclass(frozen=True)
class IntegerInput:
    """An int8 or uint8 input of the model before DequantizeLinear says what it stands for."""

    name: str
    shape: tuple[int, ...]
    signed: bool


Value = Lost | Weights | Stored | Padded | Pending | Integers | IntegerInput
Layer = Callable[["Importer", NodeView], Value]
