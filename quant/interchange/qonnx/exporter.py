"""Integer graph of layers on bits -> QONNX model: float operators around ``BipolarQuant``, as other tools read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from quant.dtypes import DType
from quant.errors import Problem, UserError
from quant.graph import Graph, Node, Tensor
from quant.interchange.expand import LARGEST
from quant.interchange.functions import IR_VERSION
from quant.interchange.local_function import OPSET
from quant.interchange.qonnx.values import DOMAIN
from quant.ops import ArgMin, Binarize, BinaryConv, BinaryDense, Bind, Bundle, Hamming, Op, Project, Reshape, Threshold
from quant.ops.binary import signs


def to_qonnx(graph: Graph) -> ModelProto:
    """The graph with reals for integers: +1 and -1 for bits, sums as they are.

    Inputs are reals: for bits their sign counts, 0 is positive; other inputs are the stored integers. An index stays
    an integer (int64).

    Raises:
        UserError: nodes that are no layers on bits, states, or several entries.
    """
    problems = [
        Problem(
            f"it has no form with BipolarQuant ({reason})",
            f"node '{node.name}' ({node.op.kind})",
            ", ".join(sorted(op.kind for op in EXPORTS)),
            "export the whole model as integer ONNX; 8-bit networks as QCDQ",
        )
        for node in graph.nodes
        if (reason := _refused(graph, node)) is not None
    ]
    if graph.states or len(graph.entries) != 1:
        problems.append(Problem("it has states or several entries", f"model '{graph.name}'", "one entry, no states"))
    if problems:
        raise UserError(problems)
    writer = _Writer(graph)
    for x in graph.inputs:
        if x.dtype is DType.B1:
            writer.quantized(writer.bits(x.name), x.name)
    for node in graph.nodes:
        EXPORTS[type(node.op)](writer, node, node.op)
    return writer.model()


def _refused(graph: Graph, node: Node) -> str | None:
    if type(node.op) not in EXPORTS:
        return "another operator"
    if isinstance(node.op, Hamming) and (node.op.memory is None or node.op.centroids > 1 or node.op.counted):
        return "its memory is a state, or has several centroids"
    if isinstance(node.op, Project) and node.op.dimension > LARGEST:
        return f"a matrix of more than {LARGEST} rows"
    if isinstance(node.op, Project) and len(graph.inputs_of(node)[0].shape) > 1:
        return "a matrix for each of several positions"
    layer = isinstance(node.op, BinaryConv | BinaryDense)
    if layer and not isinstance(cast(BinaryDense, node.op).finish, Threshold | None):
        return "its sums are requantized; let them be compared, or leave them as they are"
    return None


@dataclass
class _Writer:
    graph: Graph
    nodes: list[NodeProto] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)

    def model(self) -> ModelProto:
        indices = {node.output for node in self.graph.nodes if isinstance(node.op, ArgMin)}

        def info(tensor: Tensor) -> ValueInfoProto:
            element = TensorProto.INT64 if tensor.name in indices else TensorProto.FLOAT
            return helper.make_tensor_value_info(tensor.name, element, [1, *tensor.shape])

        body = helper.make_graph(
            self.nodes,
            self.graph.name,
            [info(x) for x in self.graph.inputs],
            [info(y) for y in self.graph.outputs],
            self.initializers,
        )
        imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(body, producer_name="edgekit", opset_imports=imports, ir_version=IR_VERSION)

    def constant(self, name: str, values: Any) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def reals(self, name: str, values: NDArray) -> str:
        return self.constant(name, values.astype(np.float32))

    def bits(self, tensor: str) -> str:
        """The model's name of a tensor of the graph; inputs are reals, their bits are another tensor."""
        given = any(x.name == tensor and x.dtype is DType.B1 for x in self.graph.inputs)
        return f"{tensor}:bits" if given else tensor

    def node(self, op_type: str, inputs: Sequence[str], output: str, name: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=name or output, **attributes))
        return output

    def quantized(self, output: str, x: str) -> str:
        """Reals or the reals of a constant through ``BipolarQuant`` with a scale of 1."""
        step = self.reals(f"{output}:step", np.ones(()))
        return self.node("BipolarQuant", [x, step], output, f"{output}:quantizer", domain=DOMAIN)

    def signs(self, name: str, bits: NDArray) -> str:
        return self.quantized(name, self.reals(f"{name}:values", signs(bits)))


def _layer(writer: _Writer, node: Node, op: Op) -> None:
    layer = cast(BinaryDense | BinaryConv, op)
    y, rank = node.output, layer.weight.ndim - 2
    is_conv = isinstance(layer, BinaryConv)
    weight = writer.signs(f"{y}:weight", layer.weight if is_conv else layer.weight.T)
    window = (
        {"kernel_shape": layer.kernel, "strides": layer.strides, "dilations": layer.dilations, "pads": layer.pads}
        if isinstance(layer, BinaryConv)
        else {}
    )
    offsets = -layer.finish.levels if isinstance(layer.finish, Threshold) else layer.bias
    compared = isinstance(layer.finish, Threshold)
    moved = bool(np.any(offsets))
    last = f"{y}:real" if compared else y
    acc = f"{y}:sum" if moved else last
    writer.node("Conv" if is_conv else "MatMul", [writer.bits(node.inputs[0]), weight], acc, node.name, **window)
    if moved:
        offset = writer.reals(f"{y}:offset", offsets.reshape(-1, *[1] * rank))
        writer.node("Add", [acc, offset], last)
    if compared:
        writer.quantized(y, last)


def _binarize(writer: _Writer, node: Node, op: Op) -> None:
    threshold, rank = np.asarray(cast(Binarize, op).threshold), len(writer.graph.tensors[node.output].shape)
    level = writer.reals(f"{node.output}:level", threshold.reshape(-1, *[1] * (rank - 1) * threshold.ndim))
    writer.quantized(node.output, writer.node("Sub", [node.inputs[0], level], f"{node.output}:real", node.name))


def _project(writer: _Writer, node: Node, op: Op) -> None:
    """The matrix of +1, -1 and 0 as it is: a constant of float32, in which sums below 2^24 are exact."""
    project, (values,) = cast(Project, op), writer.graph.tensors[node.inputs[0]].shape
    matrix = writer.reals(f"{node.output}:matrix", project.rows(values, 0, project.dimension).T)
    writer.quantized(node.output, writer.node("MatMul", [node.inputs[0], matrix], f"{node.output}:real", node.name))


def _bind(writer: _Writer, node: Node, op: Op) -> None:
    """Bits differ where the product of their signs is -1; a key changes its sign beforehand."""
    bind, (first, *others) = cast(Bind, op), map(writer.bits, node.inputs)
    key = bind.key if bind.seed is None else bind.drawn(bind.seed, writer.graph.tensors[node.output].shape)
    if key is not None:
        writer.node("Mul", [first, writer.signs(f"{node.output}:key", ~key)], node.output, node.name)
        return
    equal = writer.node("Mul", [first, *others], f"{node.output}:equal", node.name)
    writer.node("Neg", [equal], node.output)


def _bundle(writer: _Writer, node: Node, op: Op) -> None:
    """Of B positions: the majority is at least 2 (floor(B / 2) + 1) - B; the parity is a product of signs."""
    x, y, positions = writer.bits(node.inputs[0]), node.output, writer.graph.tensors[node.inputs[0]].shape[1]
    if cast(Bundle, op).mode == "xor":
        product = writer.node("ReduceProd", [x, writer.constant(f"{y}:axes", [2])], f"{y}:product", keepdims=0)
        writer.node("Mul", [product, writer.reals(f"{y}:sign", np.array((-1) ** (positions + 1)))], y)
        return
    total = writer.node("ReduceSum", [x, writer.constant(f"{y}:axes", [2])], f"{y}:sum", keepdims=0)
    least = writer.reals(f"{y}:least", np.array(2 * (positions // 2 + 1) - positions))
    writer.quantized(y, writer.node("Sub", [total, least], f"{y}:real"))


def _argmin(writer: _Writer, node: Node, op: Op) -> None:
    writer.node("ArgMin", [node.inputs[0]], node.output, node.name, axis=cast(ArgMin, op).axis + 1, keepdims=1)


def _hamming(writer: _Writer, node: Node, op: Op) -> None:
    """(D - x w) / 2 of signs."""
    memory, y, x = cast(Hamming, op).memory, node.output, writer.bits(node.inputs[0])
    assert memory is not None
    product = writer.node("MatMul", [x, writer.signs(f"{y}:memory", memory)], f"{y}:product", node.name)
    half = writer.node("Mul", [product, writer.reals(f"{y}:factor", np.array(-0.5))], f"{y}:half")
    writer.node("Add", [half, writer.reals(f"{y}:bits", np.array(len(memory) / 2))], y)


def _reshape(writer: _Writer, node: Node, op: Op) -> None:
    shape = writer.constant(f"{node.output}:shape", np.array([1, *cast(Reshape, op).shape], np.int64))
    writer.node("Reshape", [node.inputs[0], shape], node.output, node.name)


Export = Callable[[_Writer, Node, Op], None]
EXPORTS: dict[type[Op], Export] = {
    BinaryDense: _layer,
    BinaryConv: _layer,
    Binarize: _binarize,
    Bind: _bind,
    Bundle: _bundle,
    Hamming: _hamming,
    Project: _project,
    ArgMin: _argmin,
    Reshape: _reshape,
}
