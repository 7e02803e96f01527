"""What a node of a QCDQ model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quant.interchange.qcdq.values import (
    Integers,
    Lost,
    Padded,
    Reported,
    Stored,
    Value,
)
from quant.interchange.view import NodeView
from quant.ops.base import require

if TYPE_CHECKING:
    from quant.interchange.qcdq.importer import Importer


def value(reader: Importer, view: NodeView, index: int = 0) -> Value:
    require(view.has(index), f"input {index} is missing")
    name = view.inputs[index]
    require(not view.model.is_constant(name), f"input '{name}' is a constant", "a computed tensor")
    require(name in reader.values, f"input '{name}' is a second result of its node", "first results")
    return reader.values[name]


def activation(reader: Importer, view: NodeView, index: int = 0) -> Stored | Padded:
    """Input ``index`` as quantized values, zeros around them apart."""
    found = value(reader, view, index)
    if isinstance(found, Integers):
        found = reader.resolve(found)
    if isinstance(found, Lost):
        raise Reported
    require(
        isinstance(found, Stored | Padded),
        f"input '{view.inputs[index]}' is not quantized",
        "tensors that come from DequantizeLinear",
        "put QuantizeLinear and DequantizeLinear before this node",
    )
    assert isinstance(found, Stored | Padded)
    return found


def stored(reader: Importer, view: NodeView, index: int = 0) -> Stored:
    """Input ``index`` as a tensor of the graph."""
    found = activation(reader, view, index)
    return reader.padded(found) if isinstance(found, Padded) else found
