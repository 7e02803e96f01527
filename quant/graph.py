"""The integer graph: what a quantized model *is*.

Tensors have no batch dimension: ``(C, L)``, ``(C, H, W)`` or ``(F,)``. A node applies one operator (:mod:`quant.ops`)
to its input tensors and produces one tensor. The graph says nothing about layouts, memory or kernels: those belong to
``deploy``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Problem, Unsupported, UserError

if TYPE_CHECKING:
    from quant.ops.base import Op


@dataclass(frozen=True)
class Tensor:
    """A quantized tensor: real value = scale * (q - zero_point). ``scale`` is a float32 value, None where unknown."""

    name: str
    shape: tuple[int, ...]
    dtype: DType = DType.S8
    zero_point: int = 0
    scale: float | None = None

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.dtype.nbytes(self.elements)


@dataclass(frozen=True)
class Node:
    """One operator application; ``name`` is the layer's name everywhere (reports, symbols, errors)."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False)
class State:
    """A tensor that survives between runs: read as ``input``, written as ``output``."""

    input: str
    output: str
    initial: NDArray
    storage: Literal["ram", "nvm"] = "ram"


@dataclass(frozen=True)
class Entry:
    """A way to call the model (``infer``, ``step``, ``learn``); entries share constants and state."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """A validated integer graph, nodes in topological order. Build it with :class:`GraphBuilder`.

    Attributes:
        info: JSON-able facts that travel with the model (preprocessing, class names, table MACs ...).
    """

    name: str
    tensors: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    entries: tuple[Entry, ...]
    states: tuple[State, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)

    def entry(self, name: str = "infer") -> Entry:
        return next(entry for entry in self.entries if entry.name == name)

    @property
    def inputs(self) -> list[Tensor]:
        """Input tensors of the entry ``infer``."""
        return [self.tensors[name] for name in self.entry().inputs]

    @property
    def outputs(self) -> list[Tensor]:
        """Output tensors of the entry ``infer``."""
        return [self.tensors[name] for name in self.entry().outputs]

    def inputs_of(self, node: Node) -> list[Tensor]:
        return [self.tensors[name] for name in node.inputs]

    def consumers(self, tensor: str) -> list[Node]:
        return [node for node in self.nodes if tensor in node.inputs]

    def macs(self, node: Node) -> int:
        """Table MACs of a node: one per weight use per output element, padding counted as work."""
        return node.op.macs(*self.inputs_of(node))

    @property
    def total_macs(self) -> int:
        return sum(self.macs(node) for node in self.nodes)

    @property
    def parameters(self) -> int:
        """Number of weights (biases and requantization factors not counted)."""
        return sum(node.op.weights for node in self.nodes)


class GraphBuilder:
    """Collects tensors and nodes, in any order, and checks everything at once in :meth:`build`."""

    def __init__(self, name: str, info: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.info = dict(info or {})
        self.problems: list[Problem] = []
        self._declared: dict[str, Tensor] = {}
        self._scales: dict[str, float | None] = {}
        self._nodes: list[Node] = []
        self._entries: list[Entry] = []
        self._states: list[State] = []
        self._outputs: list[str] = []
        self._inputs: list[str] = []
        self._lost: set[str] = set()

    def input(
        self, name: str, shape: Iterable[int], dtype: DType = DType.S8, zero_point: int = 0, scale: float | None = None
    ) -> str:
        self._declared[name] = Tensor(name, tuple(shape), dtype, zero_point, scale)
        self._inputs.append(name)
        return name

    def add(self, name: str, op: Op, *inputs: str, output: str | None = None, scale: float | None = None) -> str:
        """Append a node; returns the name of its output tensor (the node's name by default).

        ``scale``: the output's scale where the operator sets one; operators that only move data keep their input's.
        """
        output = output or name
        self._nodes.append(Node(name, op, inputs, output))
        self._scales[output] = scale
        return output

    def lose(self, *names: str) -> None:
        """Tensors that exist but whose origin was already reported as a problem; what hangs on them stays silent."""
        self._lost.update(names)

    def output(self, name: str) -> None:
        self._outputs.append(name)

    def state(self, state: State) -> None:
        self._states.append(state)

    def entry(self, entry: Entry) -> None:
        """Declare an entry; without any, one named ``infer`` takes all inputs and outputs that are no state."""
        self._entries.append(entry)

    def build(self) -> Graph:
        """The graph, or every problem found.

        Raises:
            UserError: unordered or dangling tensors, cycles, shape, range or overflow problems.
        """
        tensors, nodes = self._resolve()
        held = {s.input for s in self._states} | {s.output for s in self._states}
        entries = self._entries or [
            Entry(
                "infer",
                tuple(n for n in self._inputs if n not in held),
                tuple(n for n in self._outputs if n not in held),
            )
        ]
        for entry in entries:
            for name in (*entry.inputs, *entry.outputs):
                if name not in tensors and not self.problems:
                    self._problem(
                        f"entry '{entry.name}'",
                        f"tensor '{name}' is never produced",
                        fix="connect it or remove it from the outputs",
                    )
            if not entry.outputs:
                self._problem(f"entry '{entry.name}'", "the graph has no output")
        for state in self._states:
            self._check_state(state, tensors)
        if self.problems:
            raise UserError(self.problems)
        return Graph(self.name, tensors, tuple(nodes), tuple(entries), tuple(self._states), self.info)

    def _problem(self, where: str, what: str, supported: str = "", fix: str = "") -> None:
        self.problems.append(Problem(what, where, supported, fix))

    def _check_state(self, state: State, tensors: Mapping[str, Tensor]) -> None:
        before, after = tensors.get(state.input), tensors.get(state.output)
        if before is None or after is None:
            self._problem(f"state '{state.input}'", f"its tensor pair '{state.input}', '{state.output}' is incomplete")
        elif (before.shape, before.dtype) != (after.shape, after.dtype) or state.initial.shape != before.shape:
            self._problem(f"state '{state.input}'", "input, output and initial value differ in shape or type")

    def _resolve(self) -> tuple[dict[str, Tensor], list[Node]]:
        """Topological order and tensor types; reports dangling inputs, cycles and every operator's complaints."""
        self._check_names()
        tensors = dict(self._declared)
        produced = {node.output for node in self._nodes} | set(tensors) | self._lost
        pending: list[Node] = []
        for node in self._nodes:
            dangling = [name for name in node.inputs if name not in produced]
            for name in dangling:
                self._problem(
                    f"node '{node.name}'",
                    f"input tensor '{name}' is not produced by any node",
                    fix="connect it or remove the node",
                )
            if not dangling:
                pending.append(node)
        ordered: list[Node] = []
        broken = self._lost | {node.output for node in self._nodes if node not in pending}
        while pending:
            ready = [n for n in pending if all(i in tensors or i in broken for i in n.inputs)]
            if not ready:
                names = ", ".join(f"'{n.name}'" for n in pending)
                self._problem(
                    "graph",
                    f"nodes {names} form a cycle or wait for one",
                    fix="remove the cycle; recurrence is declared as state",
                )
                break
            for node in ready:
                pending.remove(node)
                tensor = None if any(i in broken for i in node.inputs) else self._type(node, tensors)
                if tensor is None:
                    broken.add(node.output)
                else:
                    tensors[node.output] = tensor
                    ordered.append(node)
        return tensors, ordered

    def _check_names(self) -> None:
        for label, names in (
            ("node", [n.name for n in self._nodes]),
            ("tensor", [n.output for n in self._nodes] + list(self._declared)),
        ):
            for name in sorted({n for n in names if names.count(n) > 1}):
                self._problem(f"{label} '{name}'", f"the name of this {label} is used {names.count(name)} times")
        for tensor in self._declared.values():
            if not 1 <= len(tensor.shape) <= 3 or min(tensor.shape, default=0) < 1:
                self._problem(
                    f"input '{tensor.name}'",
                    f"shape {tensor.shape} is not supported",
                    "1 to 3 fixed dimensions without batch: (F), (C, L) or (C, H, W)",
                )
            self._check_quantization(f"input '{tensor.name}'", tensor)

    def _check_quantization(self, where: str, tensor: Tensor) -> None:
        if tensor.scale is not None and not (np.isfinite(tensor.scale) and tensor.scale > 0):
            self._problem(
                where,
                f"scale of tensor '{tensor.name}' is {tensor.scale}",
                "finite positive numbers",
                "check the calibration that made this model",
            )
        if not tensor.dtype.low <= tensor.zero_point <= tensor.dtype.high:
            self._problem(
                where,
                f"zero point {tensor.zero_point} of tensor '{tensor.name}' is out of range",
                f"{tensor.dtype.low}..{tensor.dtype.high} for {tensor.dtype.value}",
            )

    def _type(self, node: Node, tensors: Mapping[str, Tensor]) -> Tensor | None:
        inputs = [tensors[name] for name in node.inputs]
        where = f"node '{node.name}' ({node.op.kind})"
        try:
            shape, dtype, zero_point = node.op.infer(*inputs)
        except Unsupported as fault:
            self._problem(where, fault.what, fault.supported, fault.fix)
            return None
        scale = self._scales[node.output]
        if scale is None and node.op.keeps_scale:
            scale = inputs[0].scale
        tensor = Tensor(node.output, shape, dtype, zero_point, scale)
        self._check_quantization(where, tensor)
        for finding in node.op.faults(*inputs):
            self._problem(where, finding.what, finding.supported, finding.fix)
        return tensor
