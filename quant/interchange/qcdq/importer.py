"""QCDQ and QDQ models -> integer graph: QuantizeLinear, Clip and DequantizeLinear around float operators.

The dialect of Brevitas' ``export_onnx_qcdq`` and of ONNX Runtime's quantizer: int8 or uint8 activations per tensor,
int8 weights with zero point 0, int32 biases. Layers are called like the ONNX nodes that compute them; torch's
``/block/conv/Conv`` becomes ``block/conv``. Metadata property ``rounding: half_up`` says that the quantizers round ties
up, as the integer graph does; otherwise ONNX' ties to even hold and a layer that meets an exact tie is refused.
Property ``info`` (JSON) travels with the graph. Outputs that are constants carry nothing and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from heapq import heappop, heappush
from typing import Any

from onnx import ModelProto, TensorProto, ValueInfoProto

from quant.errors import Problem, Unsupported
from quant.graph import Graph, Tensor
from quant.interchange.model import Model, dimensions
from quant.interchange.qcdq.folding import fold
from quant.interchange.qcdq.layers import layer
from quant.interchange.qcdq.values import (
    IntegerInput,
    Integers,
    Lost,
    Padded,
    Pending,
    Reported,
    Stored,
    Value,
)
from quant.interchange.view import NodeView
from quant.lowering import Lowering, Scale
from quant.ops import Op, Pad
from quant.ops.base import require
from quant.rounding import Rounding, meets_tie

INTEGER_INPUTS: dict[int, bool] = {TensorProto.INT8: True, TensorProto.UINT8: False}


def from_qcdq(proto: ModelProto) -> Graph:
    """The integer graph of a QCDQ model.

    Raises:
        UserError: every operator, attribute or value that has no exact integer form, and every damage.
    """
    return Importer(proto).graph()


class Importer:
    """Follows a model from its inputs; ``values`` says what each tensor stands for so far."""

    def __init__(self, proto: ModelProto) -> None:
        self.model = Model(proto)
        self.problems: list[Problem] = []
        self.values: dict[str, Value] = {}
        self.names: set[str] = set()
        properties = {entry.key: entry.value for entry in proto.metadata_props}
        self.rounding = self._rounding(properties.get("rounding", Rounding.HALF_EVEN.value))
        self.lowering = Lowering(self.model.name, self._info(properties.get("info", "{}")))
        self.tensors: dict[str, Tensor] = {}
        self.pads: dict[NodeView, Stored] = {}
        self.requantizers: dict[tuple[str, Scale], Pending] = {}

    def graph(self) -> Graph:
        for info in self.model.inputs:
            self.values[info.name] = self._input(info)
        for view in self._needed():
            self._visit(view)
        builder = self.lowering.builder
        for info in self.model.proto.graph.output:
            if not self.model.is_constant(info.name):
                builder.output(self._output(info.name))
        builder.problems[:0] = self.problems
        return self.lowering.finish()

    def _rounding(self, name: str) -> Rounding:
        try:
            return Rounding(name)
        except ValueError:
            supported = " or ".join(rounding.value for rounding in Rounding)
            self.problems.append(Problem(f"it is '{name[:40]}'", "metadata property 'rounding'", supported))
            return Rounding.HALF_EVEN

    def _info(self, text: str) -> dict[str, Any]:
        try:
            info = json.loads(text)
        except (ValueError, RecursionError):
            info = None
        if isinstance(info, dict):
            return info
        self.problems.append(Problem("it is not a JSON object", "metadata property 'info'", "a JSON object"))
        return {}

    def _input(self, info: ValueInfoProto) -> Value:
        where, shape, element = f"input '{info.name}'", dimensions(info), info.type.tensor_type.elem_type
        fix = "export with fixed sizes and batch 1"
        sizes = tuple(size for size in (shape or ())[1:] if size is not None)
        if shape is None or len(sizes) != len(shape) - 1:
            shown = "unknown" if shape is None else ["?" if size is None else size for size in shape]
            self.problems.append(Problem(f"its shape {shown} is dynamic", where, "fixed sizes", fix))
        elif shape[0] not in (1, None) or not 2 <= len(shape) <= 4:
            supported = "[1, F], [1, C, L], [1, C, H, W]"
            self.problems.append(
                Problem(f"shape {shape} has the wrong rank or a batch other than 1", where, supported, fix)
            )
        elif element in INTEGER_INPUTS:
            return IntegerInput(info.name, sizes, INTEGER_INPUTS[element])
        elif element == TensorProto.FLOAT:
            self.model.ranks[info.name] = len(shape)
            return Pending(None, lambda scale: self.declare(info.name, sizes, scale))
        else:
            name = TensorProto.DataType.Name(element) if element in TensorProto.DataType.values() else element
            self.problems.append(Problem(f"element type {name} is not supported", where, "float32, int8, uint8"))
        return Lost()

    def _needed(self) -> list[NodeView]:
        """The nodes that outputs depend on, in file order as far as their inputs allow it."""
        producers = {name: index for index, view in enumerate(self.model.nodes) for name in view.proto.output if name}
        needed: set[int] = set()
        stack = [producers[info.name] for info in self.model.proto.graph.output if info.name in producers]
        waiting: dict[int, list[int]] = {}
        missing: dict[int, int] = {}
        while stack:
            index = stack.pop()
            if index not in needed:
                needed.add(index)
                sources = {producers[name] for name in self.model.nodes[index].inputs if name in producers}
                missing[index] = len(sources)
                for source in sources:
                    waiting.setdefault(source, []).append(index)
                stack += sources
        ready = sorted(index for index, count in missing.items() if not count)
        ordered: list[NodeView] = []
        while ready:
            index = heappop(ready)
            del missing[index]
            ordered.append(self.model.nodes[index])
            for other in waiting.get(index, ()):
                missing[other] -= 1
                if not missing[other]:
                    heappush(ready, other)
        if missing:
            names = ", ".join(f"'{self.model.nodes[index].name}'" for index in sorted(missing))
            what, fix = f"nodes {names} form a cycle or wait for one", "remove the cycle"
            self.problems.append(Problem(what, "graph", "graphs without cycles", fix))
            for index in missing:
                self.values.update(dict.fromkeys(self.model.nodes[index].proto.output, Lost()))
        return ordered

    def _visit(self, view: NodeView) -> None:
        if any(name in self.values and isinstance(self.values[name], Lost) for name in view.inputs):
            self.values[view.output] = Lost()
            return

        def value() -> Value | None:
            self.model.require_connected(view)
            return None if fold(view) else layer(view)(self, view)

        result = self.located(view, value)
        if result is not None:
            self.values[view.output] = result
            if isinstance(result, Stored):
                self.model.ranks[view.output] = len(result.tensor.shape) + 1

    def located(self, view: NodeView, action: Callable[[], Value | None]) -> Value | None:
        """The action's value, or Lost after noting what it refused."""
        try:
            return action()
        except Reported:
            pass
        except Unsupported as fault:
            self.problems.append(Problem(fault.what, view.where, fault.supported, fault.fix))
        except ValueError as error:
            fix = "check the scales: they come from the calibration that made this model"
            self.problems.append(Problem(str(error), view.where, "factors between 2^-63 and 2^30", fix))
        return Lost()

    def _output(self, name: str) -> str:
        """The graph's tensor behind an output of the model."""
        value = self.values.get(name)
        if isinstance(value, Integers):
            integers = value
            value = self.located(integers.view, lambda: self.resolve(integers))
        if isinstance(value, Padded):
            padded = value
            value = self.located(padded.view, lambda: self.padded(padded))
        if isinstance(value, Stored):
            return value.tensor.name
        where = f"output '{name}'"
        if value is None:
            self.problems.append(Problem("it is never produced", where, fix="remove it from the outputs"))
        elif not isinstance(value, Lost):
            fix = "quantize it too: in Brevitas, end with a QuantIdentity or give the last layer an output quantizer"
            self.problems.append(Problem("it is not quantized", where, "QuantizeLinear before every output", fix))
        self.lowering.builder.lose(name)
        return name

    def layer_name(self, view: NodeView) -> str:
        """The node's name; torch's ``/block/conv/Conv`` without slash and operator; made unique."""
        full = view.name.lstrip("/") if view.name.startswith("/") else view.name
        short = full.removesuffix(f"/{view.proto.op_type}") if view.name.startswith("/") else full
        name = next(
            n for n in (short, full, *(f"{full}_{i}" for i in range(2, len(self.names) + 4))) if n not in self.names
        )
        self.names.add(name)
        return name

    def declare(self, name: str, shape: tuple[int, ...], scale: Scale) -> Stored:
        """An input of the graph; values outside a narrower range are clipped by a node of its own."""
        require(
            name not in self.names, f"input '{name}' is quantized in more than one way", "one quantizer", "merge them"
        )
        self.names.add(name)
        full = Scale(scale.step, scale.signed, scale.zero)
        self.lowering.input(name, shape, full)
        self.tensors[name] = Tensor(name, shape, zero_point=full.zero_point, scale=full.step)
        result = Stored(self.tensors[name], full)
        return result if scale == full else self.placed(self.lowering.requantize(f"{name}/clip", name, scale))

    def placed(self, name: str) -> Stored:
        """The tensor that the node just added to the graph makes; building the graph reports what does not fit."""
        node = self.lowering.builder.nodes[-1]
        try:
            shape, dtype, zero_point = node.op.infer(*(self.tensors[x] for x in node.inputs))
        except Unsupported:
            raise Reported from None
        scale = self.lowering.scales[name]
        self.tensors[name] = Tensor(name, shape, dtype, zero_point, scale.step)
        return Stored(self.tensors[name], scale)

    def move(self, view: NodeView, source: Stored, op: Op) -> Stored:
        """Add an operator that keeps its input's quantization."""
        return self.placed(self.lowering.add_op(self.layer_name(view), op, source.scale, source.tensor.name))

    def padded(self, value: Padded) -> Stored:
        """The padding as a node of its own."""
        if value.view not in self.pads:
            self.pads[value.view] = self.move(value.view, value.source, Pad(value.pads))
        return self.pads[value.view]

    def resolve(self, integers: Integers) -> Stored:
        """The tensor of the graph that holds these integers."""
        source, scale = integers.source, integers.scale
        if isinstance(source, Stored):
            own = source.scale
            if (own.step, own.zero_point) == (
                scale.step,
                scale.zero_point,
            ) and scale.lo <= own.lo <= own.hi <= scale.hi:
                return source
            source = self.requantizers.setdefault((source.tensor.name, scale), self.rescaled(integers.view, source))
        if scale not in source.results:
            pending = source
            source.results[scale] = Lost()
            result = self.located(source.view or integers.view, lambda: self._finish(pending, scale))
            assert isinstance(result, Stored | Lost)
            source.results[scale] = result
        found = source.results[scale]
        if isinstance(found, Lost):
            raise Reported
        return found

    def rescaled(self, view: NodeView, source: Stored) -> Pending:
        """The same values waiting for another quantizer."""

        def finish(scale: Scale) -> Stored:
            self.refuse_ties(meets_tie(Fraction(source.scale.step) / Fraction(scale.step), 255))
            return self.placed(self.lowering.requantize(self.layer_name(view), source.tensor.name, scale))

        return Pending(view, finish)

    def refuse_ties(self, possible: bool) -> None:
        """Ties to even differ from the integer graph's ties up, where there are ties."""
        require(
            not possible or self.rounding is Rounding.HALF_UP,
            "its exact results can be ties, which QuantizeLinear rounds to even and integer kernels round up",
            "scales whose quotients give no ties, or quantizers that round half up",
            "train with floor(x + 0.5) and set metadata property rounding = half_up",
        )

    def _finish(self, source: Pending, scale: Scale) -> Stored:
        bounded = self._bounded(source, scale)
        if bounded not in source.base:
            require(
                not source.base,
                f"{'its result' if source.view else 'an input'} is quantized in more than one way",
                "one QuantizeLinear behind it",
                "share one quantizer between its consumers",
            )
            source.base[bounded] = Lost()
            source.base[bounded] = source.finish(bounded)
        result = source.base[bounded]
        for view, make in source.moves:
            if isinstance(result, Lost):
                raise Reported
            op = make(result.tensor)
            inside = bounded.lo <= bounded.zero_point <= bounded.hi
            require(not isinstance(op, Pad) or inside, "zeros are padded before a clip that excludes them", "pad later")
            result = self.move(view, result, op)
        if isinstance(result, Lost):
            raise Reported
        return result

    def _bounded(self, source: Pending, scale: Scale) -> Scale:
        """``scale`` with the bounds of ReLU and Clip, which commute with rounding."""

        def stored(bound: Fraction | None, default: int) -> int:
            return default if bound is None else self.rounding(bound / Fraction(scale.step)) + scale.zero_point

        lo, hi = max(scale.lo, stored(source.low, scale.lo)), min(scale.hi, stored(source.high, scale.hi))
        return Scale(scale.step, scale.signed, scale.zero, lo, hi)
