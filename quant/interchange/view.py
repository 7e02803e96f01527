"""A read-only view of one ONNX node with checked access to its attributes, constants and neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto, TensorProto, helper

from quant.dtypes import DType
from quant.ops.base import IntArray, Op, require
from quant.requant import Requant

if TYPE_CHECKING:
    from quant.interchange.model import Model

OUTPUT_TYPE: dict[int, DType] = {TensorProto.INT8: DType.S8, TensorProto.INT16: DType.S16}
SIMPLE = (
    AttributeProto.INT,
    AttributeProto.INTS,
    AttributeProto.FLOAT,
    AttributeProto.FLOATS,
    AttributeProto.STRING,
    AttributeProto.STRINGS,
)


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
        domain = self.proto.domain
        return self.proto.op_type if domain in ("", "ai.onnx") else f"{domain}.{self.proto.op_type}"

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.proto.input)

    @property
    def output(self) -> str:
        return self.proto.output[0]

    @property
    def name(self) -> str:
        return self.proto.name or self.output

    @property
    def where(self) -> str:
        """How problems name this node."""
        return f"node '{self.name}' ({self.op_type})"

    def has(self, index: int) -> bool:
        """Whether the optional input ``index`` is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def only(self, *allowed: str, **fixed: Any) -> None:
        """Refuse attributes outside ``allowed``, and those in ``fixed`` with another value than given there."""
        for attribute in self.proto.attribute:
            if attribute.name in allowed:
                continue
            value = _value(attribute)
            refusal = f"attribute {attribute.name} = {_shown(value)} is not supported"
            require(attribute.name in fixed, refusal, ", ".join([*allowed, *fixed]) or "no attributes")
            expected = fixed[attribute.name]
            matches = all(v == expected for v in value) if isinstance(value, list) else value == expected
            require(matches, refusal, f"{attribute.name} = {expected}")

    def _attribute(self, name: str, default: Any, kind: AttributeProto.AttributeType) -> Any:
        for attribute in self.proto.attribute:
            if attribute.name == name:
                label = AttributeProto.AttributeType.Name(kind)
                require(attribute.type == kind, f"attribute {name} = {_shown(_value(attribute))}", f"type {label}")
                return _value(attribute)
        return default

    def integer(self, name: str, default: int) -> int:
        return self._attribute(name, default, AttributeProto.INT)

    def real(self, name: str, default: float) -> float:
        return self._attribute(name, default, AttributeProto.FLOAT)

    def text(self, name: str, default: str) -> str:
        return self._attribute(name, default, AttributeProto.STRING)

    def integers(self, name: str, default: Sequence[int]) -> tuple[int, ...]:
        return tuple(self._attribute(name, default, AttributeProto.INTS))

    def tensor(self, name: str, default: NDArray) -> NDArray:
        """Attribute ``name`` that holds a tensor."""
        for attribute in self.proto.attribute:
            if attribute.name == name:
                require(attribute.type == AttributeProto.TENSOR, f"attribute {name} is not a tensor", "a tensor")
                return self.model.read_tensor(attribute.t)
        return default

    def array(self, index: int, label: str) -> NDArray:
        """Input ``index``, which must be a constant, in its own type."""
        require(self.has(index), f"input {index} ({label}) is missing")
        name = self.inputs[index]
        require(self.model.is_constant(name), f"input '{name}' ({label}) is not a constant", "an initializer")
        return self.model.array(name)

    def constant(self, index: int, label: str, dtype: Any) -> IntArray:
        """Input ``index`` as int64 array; it must be a constant of ``dtype``."""
        array = self.array(index, label)
        require(
            array.dtype == dtype,
            f"constant '{self.inputs[index]}' ({label}) has type {array.dtype}",
            str(np.dtype(dtype)),
            "re-export the model as integers",
        )
        return array.astype(np.int64)

    def scalar(self, index: int, label: str, dtype: Any) -> int:
        """Input ``index``, a constant with one element."""
        array = self.constant(index, label, dtype)
        require(array.size == 1 and array.ndim <= 1, f"{label} has shape {array.shape}", "one value")
        return int(array.reshape(()))

    def vector(self, index: int, label: str) -> tuple[int, ...]:
        """Input ``index``, a one-dimensional int64 constant."""
        array = self.constant(index, label, np.int64)
        require(array.ndim == 1, f"{label} has shape {array.shape}", "a vector")
        return tuple(array.tolist())

    def constant_operand(self, other: str, label: str, dtype: Any) -> IntArray:
        """The operand that is not ``other`` of a two-input node, as a constant."""
        require(len(self.inputs) == 2, f"it has {len(self.inputs)} inputs", "2")
        return self.constant(1 if self.inputs[0] == other else 0, label, dtype)

    def rank(self, index: int) -> int:
        """Rank of input ``index``, batch included, as far as the model states it."""
        require(self.has(index), f"input {index} is missing")
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
        require(self.has(index), f"input {index} is missing")
        self.zero_points.append((self.inputs[index], value))

    @staticmethod
    def along_channels(array: IntArray, label: str, channels: int, spatial: int) -> IntArray:
        """``array``, which broadcasts along the channel axis of (1, channels, *spatial axes), as ``(channels,)``."""
        ones = (1,) * spatial
        shapes = [(channels, *ones), (1, channels, *ones)]
        require(
            array.size == 1 or array.shape in shapes,
            f"{label} has shape {array.shape}",
            f"one value, or {shapes[0]}: one per channel",
        )
        return np.broadcast_to(array.reshape(-1), (channels,)).copy()

    def follow(self, op_type: str) -> NodeView | None:
        """The only consumer of the output, when it has ``op_type``."""
        consumers = self.model.consumers(self.output)
        if len(consumers) != 1 or consumers[0].op_type != op_type or self.output in self.model.output_names:
            return None
        return consumers[0]

    def follow_requant(self, channels: int | None = None, spatial: int = 0) -> tuple[Requant, NodeView]:
        """The requantization that must follow an int32 accumulator.

        ``channels``: outputs that may have factors of their own, ``spatial`` axes follow them; None: one factor.
        """
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
        factors = {label: node.constant(i + 1, label, np.int64) for i, label in enumerate(("m", "a", "s"))}
        if channels is None or all(array.ndim == 0 for array in factors.values()):
            several = [f"{label} has {array.size} values" for label, array in factors.items() if array.size != 1]
            require(not several, ", ".join(several), "one value")
            m, a, s = (array.reshape(()) for array in factors.values())
        else:
            m, a, s = (self.along_channels(array, label, channels, spatial) for label, array in factors.items())
        to = node.integer("to", TensorProto.INT8)
        require(to in OUTPUT_TYPE, f"attribute to = {to} is not supported", "3 (int8) or 5 (int16)")
        dtype = OUTPUT_TYPE[to]
        zero_point, lo, hi = (
            node.integer("zero_point", 0),
            node.integer("lo", dtype.low),
            node.integer("hi", dtype.high),
        )
        return Requant(m, a, s, zero_point, lo, hi, dtype), node

    def match(self, inputs: Sequence[str], nodes: Sequence[NodeView]) -> Match:
        require(all(inputs), "an input is missing")
        return Match(tuple(inputs), nodes[-1].output, tuple(nodes), tuple(self.zero_points))


def _value(attribute: AttributeProto) -> Any:
    """Numbers, text, or lists of them; the type's name for anything else."""
    if attribute.type not in SIMPLE:
        return AttributeProto.AttributeType.Name(attribute.type).lower()
    value = helper.get_attribute_value(attribute)
    if attribute.type == AttributeProto.STRING:
        return value.decode(errors="replace")
    if attribute.type == AttributeProto.STRINGS:
        return [item.decode(errors="replace") for item in value]
    return value if isinstance(value, int | float) else list(value)


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
