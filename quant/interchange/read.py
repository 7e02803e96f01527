"""``model.onnx`` -> integer graph; every problem of a file is reported in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from onnx import ModelProto, TensorProto, ValueInfoProto

from quant.dtypes import DType, from_bytes
from quant.errors import Problem, Unsupported, UserError
from quant.graph import Entry, Graph, GraphBuilder, State
from quant.interchange.model import Model, dimensions, load
from quant.interchange.view import NodeView
from quant.interchange.writer import ELEMENT
from quant.ops import OPS

ROOTS = {root: op for op in OPS for root in op.roots}
DTYPES = {element: DType(name) for name, element in ELEMENT.items()}
FLOAT = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}


def read_model(path: Path) -> Graph:
    """Read an integer ``model.onnx`` or a QCDQ model.

    Raises:
        UserError: the file cannot be read, or holds anything that EdgeKit does not execute exactly.
    """
    proto = load(path)
    if any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in proto.graph.node):
        from quant.interchange.qcdq import from_qcdq

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
        self.metadata = self._metadata()
        self.builder = GraphBuilder(proto.graph.name or "model", self.metadata.get("info", {}))
        self.expected: list[tuple[str, str, int]] = []

    def graph(self) -> Graph:
        if self._is_float():
            what = "it is a float model: its inputs and weights are not quantized"
            fix = "quantize it first: 'edgekit quantize', or export QCDQ from your QAT framework"
            raise UserError(
                Problem(what, f"graph '{self.proto.graph.name}'", "integer ONNX of EdgeKit, QCDQ ONNX", fix)
            )
        self._nodes()
        self._inputs()
        for info in self.proto.graph.output:
            self.builder.output(info.name)
        self._entries_and_states()
        self.builder.problems.extend(self.problems)
        graph = self.builder.build()
        self._check_zero_points(graph)
        return graph

    def _metadata(self) -> dict[str, Any]:
        for entry in self.proto.metadata_props:
            if entry.key == "edgekit":
                try:
                    metadata = json.loads(entry.value)
                    if isinstance(metadata, dict) and metadata.get("format") == 1:
                        return metadata
                except json.JSONDecodeError:
                    pass
                self.problems.append(Problem("it cannot be read", "metadata property 'edgekit'", "JSON with format 1"))
        return {}

    def _is_float(self) -> bool:
        return any(
            i.type.tensor_type.elem_type in FLOAT
            for i in self.proto.graph.input
            if i.name not in self.model.initializers
        )

    def _tensor(self, name: str) -> dict[str, Any]:
        return self.metadata.get("tensors", {}).get(name, {})

    def _nodes(self) -> None:
        covered: set[int] = set()
        for view in self.model.nodes:
            if id(view) in covered:
                continue
            where = f"node '{view.name}' ({view.op_type})"
            op_class = ROOTS.get(view.op_type)
            if op_class is None:
                self.problems.append(_unsupported_operator(view, where))
                self._skip(view, covered)
                continue
            try:
                match = op_class.read(view)
            except Unsupported as fault:
                self.problems.append(Problem(fault.what, where, fault.supported, fault.fix))
                self._skip(view, covered)
                continue
            covered.update(id(v) for v in match.nodes)
            assert match.op is not None
            self.builder.add(
                view.name, match.op, *match.inputs, output=match.output, scale=self._tensor(match.output).get("scale")
            )
            self.expected += [(view.name, *expectation) for expectation in match.zero_points]

    def _skip(self, view: NodeView, covered: set[int]) -> None:
        """Leave out a node that was reported, with what only makes sense together with it."""
        for part in _behind_accumulator(view):
            covered.add(id(part))
            self.builder.lose(*part.proto.output)

    def _inputs(self) -> None:
        for info in self.proto.graph.input:
            if info.name in self.model.initializers:
                continue
            shape, where = dimensions(info), f"input '{info.name}'"
            dtype = DTYPES.get(info.type.tensor_type.elem_type)
            if dtype is None:
                name = TensorProto.DataType.Name(info.type.tensor_type.elem_type)
                self.problems.append(
                    Problem(f"element type {name} is not supported", where, "int8, int16, int32, bool")
                )
            elif shape is None or any(size is None for size in shape):
                self.problems.append(_dynamic(info, where))
            elif shape[:1] != [1] or not 2 <= len(shape) <= 4:
                supported = "[1, F], [1, C, L] or [1, C, H, W]"
                self.problems.append(
                    Problem(f"shape {shape} has the wrong rank or a batch other than 1", where, supported)
                )
            else:
                sizes = tuple(int(size) for size in shape[1:] if size is not None)
                facts = self._tensor(info.name)
                seen = next((value for _, tensor, value in self.expected if tensor == info.name), 0)
                self.builder.input(info.name, sizes, dtype, facts.get("zero_point", seen), facts.get("scale"))
                continue
            self.builder.lose(info.name)

    def _entries_and_states(self) -> None:
        for entry in self.metadata.get("entries", []):
            self.builder.entry(Entry(entry["name"], tuple(entry["inputs"]), tuple(entry["outputs"])))
        shapes = {info.name: dimensions(info) for info in self.proto.graph.input}
        for state in self.metadata.get("states", []):
            dtype = DType(self._tensor(state["input"])["dtype"])
            shape = tuple(size or 0 for size in (shapes[state["input"]] or [])[1:])
            initial = from_bytes(bytes.fromhex(state["initial"]), dtype, shape)
            self.builder.state(State(state["input"], state["output"], initial, state["storage"]))

    def _check_zero_points(self, graph: Graph) -> None:
        wrong = [
            Problem(
                f"it takes input '{tensor}' to have zero point {value}, which is {graph.tensors[tensor].zero_point}",
                f"node '{node}'",
            )
            for node, tensor, value in self.expected
            if graph.tensors[tensor].zero_point != value
        ]
        if wrong:
            raise UserError(wrong)


def _dynamic(info: ValueInfoProto, where: str) -> Problem:
    fix = "export with fixed sizes and batch 1"
    return Problem(f"shape {dimensions(info) or 'unknown'} is dynamic", where, "fixed sizes", fix)


def _unsupported_operator(view: NodeView, where: str) -> Problem:
    hints = {
        "Conv": "quantize the model first",
        "Gemm": "quantize the model first",
        "MatMul": "quantize the model first",
        "Relu": "a ReLU is the clip of the layer before it: lo = its zero point",
        "edgekit.Requant": "it must follow ConvInteger, MatMulInteger, SumPool or Cast",
        "Softmax": "take argmax of the logits instead; softmax does not change it",
        "Sigmoid": "use edgekit.Table",
        "Tanh": "use edgekit.Table",
        "Elu": "use edgekit.Table",
        "GlobalAveragePool": "use edgekit.SumPool with a kernel as large as the input, then edgekit.Requant",
        "AveragePool": "use edgekit.SumPool, then edgekit.Requant",
    }
    fix = hints.get(view.op_type, "rewrite it with supported operators ('edgekit ops' lists them)")
    return Problem(f"operator {view.op_type} is not supported", where, ", ".join(sorted(ROOTS)), fix)


def _behind_accumulator(view: NodeView) -> list[NodeView]:
    """Nodes that only make sense together with the one that failed; they are not reported on their own."""
    chain = [view]
    for op_type in ("Add", "Sub", "edgekit.Requant"):
        following = chain[-1].follow(op_type)
        if following is not None:
            chain.append(following)
    return chain
