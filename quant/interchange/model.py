"""Loading an ONNX file and looking around in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, TensorProto, ValueInfoProto, numpy_helper

from quant.errors import Problem, Unsupported, UserError
from quant.interchange.view import NodeView
from quant.ops.base import require

OPSETS = range(13, 25)  # in all of them the operators that EdgeKit reads mean the same


def load(path: Path) -> ModelProto:
    """Parse an ONNX file.

    Raises:
        UserError: no such file, not ONNX, or cut off.
    """
    where = f"file {path}"
    if not path.is_file():
        raise UserError(
            Problem("there is no such file", where, fix="check the path; 'edgekit quantize' writes model.onnx")
        )
    try:
        return parse(path.read_bytes(), where)
    except OSError as error:
        raise UserError(Problem(f"it cannot be read: {error.strerror}", where, fix="check its permissions")) from None


def parse(data: bytes, where: str = "model") -> ModelProto:
    """The ONNX model in ``data``; raises UserError naming ``where``."""
    supported, fix = "a complete .onnx file", "export or copy it again"
    try:
        model = ModelProto.FromString(data)
    except DecodeError:
        raise UserError(Problem("it is not an ONNX model, or it is cut off", where, supported, fix)) from None
    if not model.graph.node or not model.opset_import:
        what = "it holds no ONNX graph (empty, cut off, or another kind of file)"
        raise UserError(Problem(what, where, supported, fix))
    return model


def dimensions(info: ValueInfoProto) -> list[int | None] | None:
    """Sizes of a tensor, None for a dynamic one; None where the model states no shape."""
    if not info.type.tensor_type.HasField("shape"):
        return None
    return [d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in info.type.tensor_type.shape.dim]


class Model:
    """Indexes over one ModelProto.

    Raises:
        UserError: the model is damaged, or of an ONNX version that EdgeKit does not read.
    """

    def __init__(self, proto: ModelProto) -> None:
        problems = list(_damage(proto))
        if problems:
            raise UserError(problems)
        self.proto = proto
        self.name = proto.graph.name or "model"
        self.initializers: dict[str, TensorProto] = {t.name: t for t in proto.graph.initializer}
        self._arrays: dict[str, NDArray] = {}
        for node in proto.graph.node:
            if node.op_type == "Constant":
                for attribute in node.attribute:
                    self._constant(node.output[0], attribute)
        self.nodes = [
            NodeView(node, self)
            for node in proto.graph.node
            if node.op_type != "Constant" or not self.is_constant(node.output[0])
        ]
        self.inputs = [info for info in proto.graph.input if info.name not in self.initializers]
        self.output_names = {info.name for info in proto.graph.output}
        self.ranks: dict[str, int] = {}
        for info in (*proto.graph.input, *proto.graph.value_info, *proto.graph.output):
            shape = dimensions(info)
            if shape is not None:
                self.ranks[info.name] = len(shape)
        self._produced = {info.name for info in self.inputs} | {n for node in proto.graph.node for n in node.output}
        self._consumers: dict[str, list[NodeView]] = {}
        for view in self.nodes:
            for name in dict.fromkeys(view.inputs):
                self._consumers.setdefault(name, []).append(view)

    def _constant(self, name: str, attribute: AttributeProto) -> None:
        if attribute.name == "value" and attribute.type == AttributeProto.TENSOR:
            self.initializers[name] = attribute.t
        elif attribute.name in ("value_int", "value_ints"):
            self._arrays[name] = np.array(attribute.i if attribute.name == "value_int" else attribute.ints, np.int64)
        elif attribute.name in ("value_float", "value_floats"):
            values = attribute.f if attribute.name == "value_float" else attribute.floats
            self._arrays[name] = np.array(values, np.float32)

    def consumers(self, tensor: str) -> list[NodeView]:
        return self._consumers.get(tensor, [])

    def require_connected(self, view: NodeView) -> None:
        """Raise Unsupported when an input of the node comes from nowhere."""
        lost = [f"'{n}'" for n in view.inputs if n and n not in self._produced and not self.is_constant(n)]
        what = f"input {', '.join(lost)} is not produced by any node"
        require(not lost, what, "inputs of the model, constants, results of nodes", "connect it or remove the node")

    def is_constant(self, tensor: str) -> bool:
        """Whether the file holds the values of ``tensor``."""
        return tensor in self.initializers or tensor in self._arrays

    def define(self, tensor: str, values: NDArray) -> None:
        """Add a constant that was computed from others."""
        self._arrays[tensor] = values

    def array(self, tensor: str) -> NDArray:
        """Values of a constant, in its own type.

        Raises:
            Unsupported: its data is missing, elsewhere or does not fit its shape and type.
        """
        if tensor not in self._arrays:
            self._arrays[tensor] = self.read_tensor(self.initializers[tensor])
        return self._arrays[tensor]

    @staticmethod
    def read_tensor(proto: TensorProto) -> NDArray:
        """Values of a tensor stored in the file; raises Unsupported when they cannot be had."""
        label = f"constant '{proto.name}'"
        if proto.data_location == TensorProto.EXTERNAL:
            fix = "save the model without external data"
            raise Unsupported(f"{label} has its data in another file", "data inside the .onnx file", fix)
        if min(proto.dims, default=0) < 0:
            raise Unsupported(f"{label} has shape {list(proto.dims)}", "sizes >= 0")
        try:
            array = numpy_helper.to_array(proto)
        except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
            raise Unsupported(f"{label} cannot be read ({error})", "data that fits its type and shape") from None
        if proto.int32_data and array.dtype.kind in "iu" and not np.array_equal(array.ravel(), list(proto.int32_data)):
            raise Unsupported(f"{label} holds values outside its type {array.dtype}", f"values of {array.dtype}")
        return array


def _damage(proto: ModelProto) -> Iterator[Problem]:
    """What makes a parsed model unusable as a whole."""
    fix = "export or copy it again"
    broken = sorted(set(_undecodable(proto)))
    if broken:
        yield Problem(f"text in {', '.join(broken)} is not UTF-8", "model", "UTF-8", fix)
        return
    for index, node in enumerate(proto.graph.node):
        if not node.output or not node.output[0]:
            yield Problem("it has no output", f"node {index} '{node.name}' ({node.op_type})", fix=fix)
    initializers = [tensor.name for tensor in proto.graph.initializer]
    outputs = [name for node in proto.graph.node for name in node.output if name]
    for name in sorted(set(initializers) & set(outputs) | {n for n in initializers if initializers.count(n) > 1}):
        yield Problem("it is defined more than once", f"constant '{name}'", "one definition per name", fix)
    for opset in proto.opset_import:
        if opset.domain in ("", "ai.onnx") and opset.version not in OPSETS:
            supported = f"{OPSETS[0]} to {OPSETS[-1]}; 18 is what EdgeKit writes"
            yield Problem(f"ONNX opset {opset.version} is not supported", "model", supported, "export with opset 18")


def _undecodable(message: Message) -> Iterator[str]:
    """Fields of text that hold other bytes; protobuf hands them out as ``bytes``."""
    for descriptor, value in message.ListFields():
        values = [value] if isinstance(value, str | bytes | Message) else value
        if descriptor.type == FieldDescriptor.TYPE_STRING:
            if any(isinstance(item, bytes) for item in values):
                yield f"{message.DESCRIPTOR.name}.{descriptor.name}"
        elif descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            for item in values:
                yield from _undecodable(item)
