"""QONNX models of bits -> integer graph."""

from __future__ import annotations

from collections.abc import Callable

from onnx import ModelProto, TensorProto, ValueInfoProto

from quant.errors import Problem, Unsupported
from quant.graph import Graph, GraphBuilder, Tensor
from quant.interchange.model import Model, dimensions
from quant.interchange.qcdq.folding import fold
from quant.interchange.qcdq.values import Lost, Reported
from quant.interchange.qonnx.layers import layer, sums_tensor
from quant.interchange.qonnx.values import BIPOLAR, Bits, Plain, Real, Sums, Value
from quant.interchange.view import NodeView
from quant.ops import Op


def from_qonnx(proto: ModelProto) -> Graph:
    """The integer graph of a QONNX model whose layers are all between bits.

    Inputs become the bits that their ``BipolarQuant`` makes of them: 1 for values that are not negative. Factors and
    offsets between a layer and the next quantizer (scales, biases, batch normalization) become one level per output,
    computed in fractions; the square root of a variance is that of float64.

    Raises:
        UserError: every operator, attribute or value that has no exact form on bits, and every damage.
    """
    return Importer(proto).graph()


class Importer:
    """Follows a model from its inputs; ``values`` says what each tensor stands for so far."""

    def __init__(self, proto: ModelProto) -> None:
        self.model = Model(proto)
        self.problems: list[Problem] = []
        self.values: dict[str, Value] = {}
        self.tensors: dict[str, Tensor] = {}
        self.names = {info.name for info in self.model.inputs}
        self.builder = GraphBuilder(self.model.name)

    def graph(self) -> Graph:
        for info in self.model.inputs:
            self.values[info.name] = self._input(info)
        for view in self.model.nodes:
            self._visit(view)
        for info in self.model.proto.graph.output:
            self.builder.output(self._output(info.name))
        self.builder.problems[:0] = self.problems
        return self.builder.build()

    def _input(self, info: ValueInfoProto) -> Value:
        where, shape, element = f"input '{info.name}'", dimensions(info), info.type.tensor_type.elem_type
        sizes = tuple(size for size in (shape or ())[1:] if size is not None)
        fix = "export with batch 1 and the sizes of one sample, in float32"
        if shape is None or not 2 <= len(shape) <= 4 or len(sizes) != len(shape) - 1 or shape[0] != 1:
            shown = "unknown" if shape is None else ["?" if size is None else size for size in shape]
            supported = "[1, F], [1, C, L], [1, C, H, W]"
            self.problems.append(Problem(f"its shape is {shown}", where, supported, fix))
        elif element != TensorProto.FLOAT:
            name = TensorProto.DataType.Name(element) if element in TensorProto.DataType.values() else element
            self.problems.append(Problem(f"element type {name} is not supported", where, "float32", fix))
        else:
            return Real(info.name, sizes)
        return Lost()

    def _visit(self, view: NodeView) -> None:
        if any(isinstance(self.values.get(name), Lost) for name in view.inputs):
            self.values[view.output] = Lost()
            return

        def value() -> Value | None:
            self.model.require_connected(view)
            return None if view.op_type != BIPOLAR and fold(view) else layer(view)(self, view)

        found = self.located(view, value)
        if found is not None:
            self.values[view.output] = found

    def located(self, view: NodeView, action: Callable[[], Value | None]) -> Value | None:
        """The action's value, or Lost after noting what it refused."""
        try:
            return action()
        except Reported:
            pass
        except Unsupported as fault:
            self.problems.append(Problem(fault.what, view.where, fault.supported, fault.fix))
        return Lost()

    def _output(self, name: str) -> str:
        """The graph's tensor behind an output of the model."""
        value = self.values.get(name)
        if isinstance(value, Sums):
            sums = value
            value = self.located(sums.view, lambda: Plain(sums_tensor(self, sums)))
        if isinstance(value, Bits | Plain):
            return value.tensor.name
        if not isinstance(value, Lost):
            what = "it is never produced" if value is None else "it is an input or a constant"
            self.problems.append(Problem(what, f"output '{name}'", "results of layers", "remove it from the outputs"))
        self.builder.lose(name)
        return name

    def layer_name(self, view: NodeView) -> str:
        """The node's name; torch's ``/block/conv/Conv`` without slash and operator; made unique."""
        full = view.name.lstrip("/")
        short = full.removesuffix(f"/{view.proto.op_type}") if view.name.startswith("/") else full
        name, count = short, 2
        while name in self.names:
            name, count = f"{short}_{count}", count + 1
        self.names.add(name)
        return name

    def add(self, view: NodeView, op: Op, *inputs: Tensor) -> Tensor:
        """The tensor of a new node; building the graph reports what does not fit."""
        name = self.layer_name(view)
        self.builder.add(name, op, *(x.name for x in inputs))
        try:
            shape, dtype, zero_point = op.infer(*inputs)
        except Unsupported:
            raise Reported from None
        self.tensors[name] = Tensor(name, shape, dtype, zero_point)
        return self.tensors[name]
