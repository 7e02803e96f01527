"""Loading an ONNX file and looking around in it."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, ValueInfoProto

from quant.errors import Problem, UserError
from quant.interchange.view import NodeView


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
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, ValueError):
        what = "it is not an ONNX model, or it is cut off"
        raise UserError(Problem(what, where, "a complete .onnx file", "export or copy it again")) from None
    if not model.graph.node or not model.opset_import:
        what = "it holds no ONNX graph (empty, cut off, or another kind of file)"
        raise UserError(Problem(what, where, "a complete .onnx file", "export or copy it again"))
    return model


def dimensions(info: ValueInfoProto) -> list[int | None] | None:
    """Sizes of a tensor, None for a dynamic one; None where the model states no shape."""
    if not info.type.tensor_type.HasField("shape"):
        return None
    return [d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in info.type.tensor_type.shape.dim]


class Model:
    """Indexes over one ModelProto."""

    def __init__(self, proto: ModelProto) -> None:
        self.proto = proto
        self.initializers: dict[str, TensorProto] = {t.name: t for t in proto.graph.initializer}
        for node in proto.graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    self.initializers[node.output[0]] = attribute.t
        self.nodes = [NodeView(n, self) for n in proto.graph.node if n.op_type != "Constant"]
        self.output_names = {info.name for info in proto.graph.output}
        self.ranks: dict[str, int] = {}
        for info in (*proto.graph.input, *proto.graph.value_info, *proto.graph.output):
            shape = dimensions(info)
            if shape is not None:
                self.ranks[info.name] = len(shape)
        self._consumers: dict[str, list[NodeView]] = {}
        for view in self.nodes:
            for name in dict.fromkeys(view.inputs):
                self._consumers.setdefault(name, []).append(view)

    def consumers(self, tensor: str) -> list[NodeView]:
        return self._consumers.get(tensor, [])
