"""A read-only view of one ONNX node with checked access to its attributes, constants and neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.ops.base import IntArray, Op, require
from quant.requant import Requant

if TYPE_CHECKING:
    from quant.interchange.model import Model

OUTPUT_TYPE: dict[int, DType] = {TensorProto.INT8: DType.S8, TensorProto.INT16: DType.S16}


@dataclass(frozen=True)
class Match:
    """A recognised operator: what it reads and writes, the ONNX nodes it covers, and what must hold for its inputs."""

    inputs: tuple[str, ...]
    output: str
    nodes: tuple[NodeView, ...]
    zero_points: tuple[tuple[str, int], ...] = ()
    op: Op | None = None

    def of(self, op: Op) -> Match:
        return replace(self, op=op)


@dataclass(eq=False)
class NodeView:
    """One node of a :class:`~quant.interchange.model.Model`."""

    proto: NodeProto
    model: Model
    zero_points: list[tuple[str, int]] = field(default_factory=list)

    @property
    def op_type(self) -> str:
        """Operator type, prefixed by its domain unless standard."""
        return f"{self.proto.domain}.{self.proto.op_type}" if self.proto.domain else self.proto.op_type

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.proto.input)

    @property
    def output(self) -> str:
        return self.proto.output[0]

    @property
    def name(self) -> str:
        return self.proto.name or self.output

    def only(self, *allowed: str, **fixed: Any) -> None:
        """Refuse attributes outside ``allowed``, and those in ``fixed`` with another value than given there."""
        for attribute in self.proto.attribute:
            value = helper.get_attribute_value(attribute)
            value = value.decode() if isinstance(value, bytes) else value
            if attribute.name in allowed:
                continue
            require(
                attribute.name in fixed,
                f"attribute {attribute.name} = {value} is not supported",
                ", ".join([*allowed, *fixed]) or "no attributes",
            )
            expected = fixed[attribute.name]
            matches = set(value) <= {expected} if isinstance(value, list) else value == expected
            require(matches, f"attribute {attribute.name} = {value} is not supported", f"{attribute.name} = {expected}")

    def _attribute(self, name: str, default: Any, kind: Callable[[Any], Any]) -> Any:
        for attribute in self.proto.attribute:
            if attribute.name == name:
                try:
                    return kind(helper.get_attribute_value(attribute))
                except (TypeError, ValueError):
                    raise Unsupported(f"attribute {name} has the wrong type", "integers") from None
        return default

    def integer(self, name: str, default: int) -> int:
        return self._attribute(name, default, int)

    def integers(self, name: str, default: Sequence[int]) -> tuple[int, ...]:
        return self._attribute(name, tuple(default), lambda values: tuple(int(v) for v in values))

    def constant(self, index: int, label: str, dtype: Any) -> IntArray:
        """Input ``index`` as int64 array; it must be an initializer of ``dtype``."""
        require(index < len(self.inputs) and self.inputs[index] != "", f"input {index} ({label}) is missing")
        name = self.inputs[index]
        proto = self.model.initializers.get(name)
        require(
            proto is not None,
            f"input '{name}' ({label}) is not a constant",
            f"an initializer of type {np.dtype(dtype)}",
        )
        assert proto is not None
        try:
            array = numpy_helper.to_array(proto)
        except (ValueError, TypeError) as error:
            raise Unsupported(f"constant '{name}' ({label}) cannot be read: {error}") from None
        require(
            array.dtype == dtype,
            f"constant '{name}' ({label}) has type {array.dtype}",
            str(np.dtype(dtype)),
            "re-export the model as integers",
        )
        return array.astype(np.int64)

    def constant_operand(self, other: str, label: str, dtype: Any) -> IntArray:
        """The operand that is not ``other`` of a two-input node, as a constant."""
        require(len(self.inputs) == 2, f"it has {len(self.inputs)} inputs", "2")
        return self.constant(1 if self.inputs[0] == other else 0, label, dtype)

    def rank(self, index: int) -> int:
        """Rank of input ``index``, batch included, as far as the model states it."""
        rank = self.model.ranks.get(self.inputs[index])
        require(
            rank is not None,
            f"the rank of input '{self.inputs[index]}' is not stated",
            fix="run onnx shape inference first, or use non-negative axes",
        )
        assert rank is not None
        return rank

    def expect_zero_point(self, index: int, value: int) -> None:
        """Remember that this node takes input ``index`` to have zero point ``value``."""
        self.zero_points.append((self.inputs[index], value))

    def follow(self, op_type: str) -> NodeView | None:
        """The only consumer of the output, when it has ``op_type``."""
        consumers = self.model.consumers(self.output)
        if len(consumers) != 1 or consumers[0].op_type != op_type or self.output in self.model.output_names:
            return None
        return consumers[0]

    def follow_requant(self) -> tuple[Requant, NodeView]:
        """The requantization that must follow an int32 accumulator."""
        node = self.follow("edgekit.Requant")
        fix = "quantize the model with 'edgekit quantize', or export QCDQ"
        require(
            node is not None,
            f"its int32 result '{self.output}' is not requantized",
            "edgekit.Requant as its only consumer",
            fix,
        )
        assert node is not None
        node.only("zero_point", "lo", "hi", "to")
        require(
            len(node.inputs) == 4 and node.inputs[0] == self.output,
            "edgekit.Requant has other inputs than expected",
            "acc, m, a, s",
        )
        m, a, s = (node.constant(i + 1, label, np.int64) for i, label in enumerate(("m", "a", "s")))
        require(m.size == a.size == s.size, f"m, a and s have {m.size}, {a.size} and {s.size} values", "equal numbers")
        to = node.integer("to", TensorProto.INT8)
        require(to in OUTPUT_TYPE, f"attribute to = {to} is not supported", "3 (int8) or 5 (int16)")
        dtype = OUTPUT_TYPE[to]
        shape = (-1,) if m.ndim else ()
        zero_point, lo, hi = (
            node.integer("zero_point", 0),
            node.integer("lo", dtype.low),
            node.integer("hi", dtype.high),
        )
        return Requant(m.reshape(shape), a.reshape(shape), s.reshape(shape), zero_point, lo, hi, dtype), node

    def match(self, inputs: Sequence[str], nodes: Sequence[NodeView]) -> Match:
        require(all(inputs), "an input is missing")
        return Match(tuple(inputs), nodes[-1].output, tuple(nodes), tuple(self.zero_points))
