"""``model.onnx`` -> integer graph; every problem of a file is reported in one run."""

from __future__ import annotations

from pathlib import Path

from onnx import FunctionProto, ModelProto, TensorProto, ValueInfoProto

from quant.dtypes import DType
from quant.errors import Problem, Unsupported, UserError
from quant.graph import Graph, GraphBuilder, Tensor
from quant.interchange import metadata
from quant.interchange.functions import functions
from quant.interchange.local_function import DOMAIN
from quant.interchange.model import Model, dimensions, load
from quant.interchange.qcdq import from_qcdq
from quant.interchange.qonnx import BIPOLAR, from_qonnx
from quant.interchange.view import NodeView
from quant.interchange.writer import ELEMENT
from quant.ops import OPS

ROOTS = {root: op for op in OPS for root in op.roots}
DTYPES: dict[int, DType] = {element: DType(name) for name, element in ELEMENT.items()}
FLOAT = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
HINTS = {
    **dict.fromkeys(("Conv", "Gemm", "MatMul"), "quantize the model first"),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QGemm"), "export as QDQ or QCDQ, not in the operator format"),
    **dict.fromkeys(("Sigmoid", "Tanh", "Elu", "LeakyRelu"), "use edgekit.Table"),
    "Relu": "a ReLU is the clip of the layer before it: lo = its zero point",
    "edgekit.Requant": "it must follow ConvInteger, MatMulInteger, SumPool or Cast",
    "Softmax": "take argmax of the logits instead; softmax does not change it",
    "GlobalAveragePool": "use edgekit.SumPool with a kernel as large as the input, then edgekit.Requant",
    "AveragePool": "use edgekit.SumPool, then edgekit.Requant",
}


def read_model(path: Path) -> Graph:
    """Read an integer ``model.onnx``, a QCDQ model or a QONNX model of bits.

    Raises:
        UserError: the file cannot be read, or holds anything that EdgeKit does not execute exactly.
    """
    return from_proto(load(path))


def from_proto(proto: ModelProto) -> Graph:
    """The integer graph of an ONNX model of any kind; raises UserError as :func:`read_model` does."""
    if any(f"{node.domain}.{node.op_type}" == BIPOLAR for node in proto.graph.node):
        return from_qonnx(proto)
    if any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in proto.graph.node):
        return from_qcdq(proto)
    return from_onnx(proto)


def from_onnx(proto: ModelProto) -> Graph:
    """The integer graph of an ONNX model made of the patterns that :func:`quant.interchange.write.to_onnx` writes."""
    return _Reader(proto).graph()


class _Reader:
    def __init__(self, proto: ModelProto) -> None:
        self.model = Model(proto)
        self.proto = proto
        self.problems: list[Problem] = []
        self.metadata = metadata.parse(proto, self.problems)
        self.builder = GraphBuilder(self.model.name, self.metadata.info)
        self.seen_zero_points: dict[str, int] = {}

    def graph(self) -> Graph:
        if any(info.type.tensor_type.elem_type in FLOAT for info in self.model.inputs):
            what = "it is a float model: its inputs and weights are not quantized"
            fix = "quantize it first: 'edgekit quantize', or export QCDQ from your QAT framework"
            supported = "integer ONNX of EdgeKit, QCDQ ONNX, QONNX with BipolarQuant"
            raise UserError(Problem(what, f"graph '{self.model.name}'", supported, fix))
        self._functions()
        self._nodes()
        for info in self.model.inputs:
            self._input(info)
        for info in self.proto.graph.output:
            self.builder.output(info.name)
        for entry in self.metadata.entries:
            self.builder.entry(entry)
        self._states()
        self.builder.problems[:0] = self.problems
        graph = self.builder.build()
        self._check_statements(graph)
        return graph

    def _functions(self) -> None:
        """A file whose functions compute something else than ours means something else."""
        known = {function.name: _body(function) for function in functions()}
        for function in self.proto.functions:
            if function.domain == DOMAIN and known.get(function.name) != _body(function):
                what, fix = "its body is not the one EdgeKit defines", "write the model again with this EdgeKit"
                supported = ", ".join(known)
                self.problems.append(Problem(what, f"function '{DOMAIN}.{function.name}'", supported, fix))

    def _nodes(self) -> None:
        covered: set[int] = set()
        for view in self.model.nodes:
            if id(view) in covered:
                continue
            op_class = ROOTS.get(view.op_type)
            if op_class is None:
                self.problems.append(_unsupported_operator(view))
                self._skip(view, covered)
                continue
            try:
                self.model.require_connected(view)
                match = op_class.read(view)
            except Unsupported as fault:
                self.problems.append(Problem(fault.what, view.where, fault.supported, fault.fix))
                self._skip(view, covered)
                continue
            covered.update(id(v) for v in match.nodes)
            assert match.op is not None
            scale = self.metadata.scales.get(match.output)
            self.builder.add(view.name, match.op, *match.inputs, output=match.output, scale=scale)
            for tensor, value in match.zero_points:
                self.builder.expect_zero_point(view.name, tensor, value)
                self.seen_zero_points.setdefault(tensor, value)

    def _skip(self, view: NodeView, covered: set[int]) -> None:
        """Leave out a node that was reported, with what only makes sense together with it."""
        for part in _behind_accumulator(view):
            covered.add(id(part))
            self.builder.lose(*part.proto.output)

    def _input(self, info: ValueInfoProto) -> None:
        shape, where = dimensions(info), f"input '{info.name}'"
        element = info.type.tensor_type.elem_type
        dtype = DTYPES.get(element)
        if dtype is None:
            name = TensorProto.DataType.Name(element) if element in TensorProto.DataType.values() else element
            what = f"element type {name} is not supported"
            self.problems.append(Problem(what, where, "int8, int16, int32, bool", "quantize the model's inputs"))
        elif shape is None or any(size is None for size in shape):
            what = f"shape {['?' if size is None else size for size in shape or ()] or 'unknown'} is dynamic"
            self.problems.append(Problem(what, where, "fixed sizes", "export with fixed sizes and batch 1"))
        elif shape[:1] != [1] or not 2 <= len(shape) <= 4:
            what, supported = (
                f"shape {shape} has the wrong rank or a batch other than 1",
                "[1, F], [1, C, L], [1, C, H, W]",
            )
            self.problems.append(Problem(what, where, supported, "export with batch 1 and the sizes of one sample"))
        else:
            sizes = tuple(int(size) for size in shape[1:] if size is not None)
            zero_point = self.metadata.zero_points.get(info.name, self.seen_zero_points.get(info.name, 0))
            self.builder.input(info.name, sizes, dtype, zero_point, self.metadata.scales.get(info.name))
            return
        self.builder.lose(info.name)

    def _states(self) -> None:
        for state in self.metadata.states:
            tensor = self.builder.declared(state.input)
            where = f"state '{state.input}'"
            if tensor is None:
                self.problems.append(Problem("it is not an input of the graph", where, "an input of the same name"))
                continue
            try:
                self.builder.state(state.of(tensor.dtype, tensor.shape))
            except Unsupported as fault:
                self.problems.append(Problem(fault.what, where, fault.supported, fault.fix))

    def _check_statements(self, graph: Graph) -> None:
        """What the file states about its tensors beside computing them must be what it computes."""
        problems = []
        for name, value in self.metadata.zero_points.items():
            tensor = graph.tensors.get(name)
            if tensor is not None and tensor.zero_point != value:
                what = f"the metadata gives zero point {value}, its operator {tensor.zero_point}"
                problems.append(Problem(what, f"tensor '{name}'", fix="write the model again with EdgeKit"))
        for info in self.proto.graph.output:
            problems += _misstated(info, graph.tensors[info.name])
        if problems:
            raise UserError(problems)


def _misstated(info: ValueInfoProto, tensor: Tensor) -> list[Problem]:
    where, expected = f"output '{info.name}'", [1, *tensor.shape]
    shape = dimensions(info)
    stated = [size for size in shape or () if size is not None]
    if shape is not None and len(stated) == len(shape) and stated != expected:
        return [Problem(f"the model states shape {stated} and computes {expected}", where, str(expected))]
    if info.type.tensor_type.elem_type != ELEMENT[tensor.dtype.value]:
        return [Problem(f"the model states another element type than {tensor.dtype.value}", where, tensor.dtype.value)]
    return []


def _body(function: FunctionProto) -> bytes:
    """What a function computes, without names and comments that do not matter."""
    plain = FunctionProto(name=function.name, input=function.input, output=function.output, node=function.node)
    plain.attribute.extend(function.attribute)
    for node in plain.node:
        node.ClearField("doc_string")
    return plain.SerializeToString()


def _unsupported_operator(view: NodeView) -> Problem:
    fix = HINTS.get(view.op_type, "rewrite it with supported operators ('edgekit ops' lists them)")
    return Problem(f"operator {view.op_type} is not supported", view.where, ", ".join(sorted(ROOTS)), fix)


def _behind_accumulator(view: NodeView) -> list[NodeView]:
    """Nodes that only make sense together with the one that failed; they are not reported on their own."""
    chain = [view]
    for op_type in ("Cast", "Add", "Sub", "edgekit.Requant", "GreaterOrEqual"):
        following = chain[-1].follow(op_type)
        if following is not None:
            chain.append(following)
    return chain
