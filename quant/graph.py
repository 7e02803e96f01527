"""The integer graph: what a quantized model *is*.

Tensors have no batch dimension: ``(C, L)``, ``(C, H, W)`` or ``(F,)``. A node applies one operator (:mod:`quant.ops`)
to its input tensors and produces one tensor. The graph says nothing about layouts, memory or kernels: those belong to
``deploy``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Problem, Unsupported, UserError, unknown

if TYPE_CHECKING:
    from quant.ops.base import Op

LARGEST = 1 << 31  # bytes of one tensor; addresses and sizes in generated code are int32


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
        return self.dtype.nbytes(self.shape)


@dataclass(frozen=True)
class Node:
    """One operator application; ``name`` is the layer's name everywhere (reports, symbols, errors)."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True, eq=False)
class State:
    """A tensor that survives between runs: read as ``input``, written as ``output``.

    Attributes:
        also: what other entries write it as, where the model has several.
    """

    input: str
    output: str
    initial: NDArray
    storage: Literal["ram", "nvm"] = "ram"
    also: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Every tensor that it is written as."""
        return self.output, *self.also


@dataclass(frozen=True)
class Entry:
    """A way to call the model (``infer``, ``step``, ``learn``); entries share constants and state.

    Attributes:
        updates: the outputs of states that it writes; the others stay as they are. The only entry writes them all.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    updates: tuple[str, ...] = ()


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
        """The entry of that name; raises UserError naming the nearest one."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise unknown("entry", name, [entry.name for entry in self.entries])

    @property
    def inputs(self) -> list[Tensor]:
        """Input tensors of the first entry, without states."""
        return [self.tensors[name] for name in self.entries[0].inputs]

    @property
    def outputs(self) -> list[Tensor]:
        """Output tensors of the first entry, without states."""
        return [self.tensors[name] for name in self.entries[0].outputs]

    @property
    def all_inputs(self) -> list[Tensor]:
        """Input tensors of all entries, each once, without states."""
        return [self.tensors[name] for name in dict.fromkeys(n for entry in self.entries for n in entry.inputs)]

    @property
    def all_outputs(self) -> list[Tensor]:
        """Output tensors of all entries, each once, without states."""
        return [self.tensors[name] for name in dict.fromkeys(n for entry in self.entries for n in entry.outputs)]

    def updates(self, entry: Entry) -> dict[str, str]:
        """By the tensor that a state is read as, the one that the entry writes it as, unless it leaves it alone."""
        if len(self.entries) == 1:
            return {state.input: state.output for state in self.states}
        return {state.input: name for state in self.states for name in state.outputs if name in entry.updates}

    def nodes_of(self, entry: Entry) -> tuple[Node, ...]:
        """What a call of the entry computes: everything where it is the only one, otherwise what its results need."""
        if len(self.entries) == 1:
            return self.nodes
        return _leading_to(self.nodes, {*entry.outputs, *entry.updates})

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


def _leading_to(nodes: Sequence[Node], wanted: set[str]) -> tuple[Node, ...]:
    """The nodes, in topological order, that the tensors ``wanted`` depend on."""
    found: list[Node] = []
    for node in reversed(nodes):
        if node.output in wanted:
            found.append(node)
            wanted |= set(node.inputs)
    return tuple(reversed(found))


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
        self._expected: list[tuple[str, str, int]] = []

    def input(
        self, name: str, shape: Iterable[int], dtype: DType = DType.S8, zero_point: int = 0, scale: float | None = None
    ) -> str:
        self._declared[name] = Tensor(name, tuple(shape), dtype, zero_point, scale)
        self._inputs.append(name)
        return name

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes added so far."""
        return tuple(self._nodes)

    def declared(self, name: str) -> Tensor | None:
        """The input tensor of that name."""
        return self._declared.get(name)

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

    def expect_zero_point(self, node: str, tensor: str, value: int) -> None:
        """Node ``node`` was made for a tensor with this zero point; :meth:`build` checks it."""
        self._expected.append((node, tensor, value))

    def output(self, name: str) -> None:
        self._outputs.append(name)

    def state(self, state: State) -> None:
        self._states.append(state)

    def entry(self, entry: Entry) -> None:
        """Declare an entry; without any, one named ``infer`` takes all inputs and outputs that are no state."""
        self._entries.append(entry)

    def build(self) -> Graph:
        """The graph, nodes in the order of :meth:`add` as far as their inputs allow it.

        Raises:
            UserError: dangling tensors, cycles, shape, range or overflow problems: every one that was found.
        """
        self._check_names()
        tensors, nodes = self._resolve()
        for node_name, tensor, value in self._expected:
            if tensor in tensors and tensors[tensor].zero_point != value:
                found = tensors[tensor].zero_point
                self._problem(
                    f"node '{node_name}'", f"it takes input '{tensor}' to have zero point {value}, which is {found}"
                )
        for state in self._states:
            self._check_state(state, tensors)
        entries = tuple(self._entries or [self._default_entry()])
        self._check_entries(entries)
        self._check_shares(entries, nodes)
        if self.problems:
            raise UserError(self.problems)
        return Graph(self.name, tensors, tuple(nodes), entries, tuple(self._states), self.info)

    def _problem(self, where: str, what: str, supported: str = "", fix: str = "") -> None:
        self.problems.append(Problem(what, where, supported, fix))

    def _default_entry(self) -> Entry:
        held = {name for s in self._states for name in (s.input, *s.outputs)}
        inputs, outputs = ([n for n in names if n not in held] for names in (self._inputs, self._outputs))
        return Entry("infer", tuple(inputs), tuple(dict.fromkeys(outputs)))

    def _check_entries(self, entries: Sequence[Entry]) -> None:
        known = {node.output for node in self._nodes} | set(self._declared) | self._lost
        for entry in entries:
            where = f"entry '{entry.name}'"
            for name in entry.inputs:
                if name not in self._inputs and name not in self._lost:
                    self._problem(where, f"its input '{name}' is not an input of the graph")
            if not entry.outputs:
                self._problem(where, "the graph has no output", "at least one output")
        for name in dict.fromkeys([*(name for entry in entries for name in entry.outputs), *self._outputs]):
            if name not in known:
                fix = "connect it or remove it from the outputs"
                self._problem(f"output '{name}'", "it is never produced", fix=fix)
        for name in sorted({e.name for e in entries if [o.name for o in entries].count(e.name) > 1}):
            self._problem(f"entry '{name}'", "the name of this entry is used more than once")
        used = {name for entry in entries for name in entry.inputs} | {state.input for state in self._states}
        for name in self._inputs:
            if name not in used:
                self._problem(f"input '{name}'", "no entry takes it", fix="add it to an entry or remove it")

    def _check_shares(self, entries: Sequence[Entry], nodes: Sequence[Node]) -> None:
        """What each of several entries writes and reads."""
        pasts = {name: state.input for state in self._states for name in state.outputs if name != state.input}
        if len(entries) == 1:
            for entry in entries:
                if entry.updates or any(state.also for state in self._states):
                    self._problem(f"entry '{entry.name}'", "the only entry writes every state once, without saying so")
            return
        reached: set[str] = set()
        for entry in entries:
            where = f"entry '{entry.name}'"
            unknown_names = [name for name in entry.updates if name not in pasts]
            if unknown_names:
                self._problem(where, f"it updates '{unknown_names[0]}', which no state is written as", ", ".join(pasts))
            written = [pasts[name] for name in entry.updates if name in pasts]
            for past in sorted({name for name in written if written.count(name) > 1}):
                self._problem(where, f"it writes the state '{past}' more than once")
            mine = _leading_to(nodes, {*entry.outputs, *entry.updates})
            reached |= {node.name for node in mine}
            read = {name for node in mine for name in node.inputs} & set(self._inputs)
            for name in sorted(read - set(entry.inputs) - {state.input for state in self._states}):
                self._problem(where, f"it needs the input '{name}'", ", ".join(entry.inputs), "add it to its inputs")
        for name in sorted(set(pasts) - {name for entry in entries for name in entry.updates}):
            self._problem(f"state '{pasts[name]}'", f"no entry writes '{name}'", fix="add it to an entry's updates")
        for node in nodes:
            if node.name not in reached:
                self._problem(
                    f"node '{node.name}'", "no entry needs it", fix="remove it, or add its result to an entry"
                )

    def _check_state(self, state: State, tensors: Mapping[str, Tensor]) -> None:
        for output in state.outputs:
            self._check_pair(state, output, tensors)

    def _check_pair(self, state: State, output: str, tensors: Mapping[str, Tensor]) -> None:
        where = f"state '{state.input}'"
        before, after = tensors.get(state.input), tensors.get(output)
        if state.input not in self._inputs:
            self._problem(where, "it is not an input of the graph", "an input that holds the state before the run")
        elif before is None or after is None:
            self._problem(where, f"its tensor pair '{state.input}', '{output}' is incomplete")
        elif (before.shape, before.dtype) != (after.shape, after.dtype) or state.initial.shape != before.shape:
            self._problem(where, "input, output and initial value differ in shape or type", "equal shape and type")
        elif (before.zero_point, before.scale) != (after.zero_point, after.scale):
            self._problem(where, "input and output differ in scale or zero point", "equal quantization")
        elif np.any(state.initial < before.dtype.low) or np.any(state.initial > before.dtype.high):
            self._problem(where, f"its initial value is outside {before.dtype.value}")

    def _resolve(self) -> tuple[dict[str, Tensor], list[Node]]:
        """Topological order and tensor types; reports dangling inputs, cycles and every operator's complaints."""
        tensors = {name: tensor for name, tensor in self._declared.items() if name not in self._lost}
        produced = {node.output for node in self._nodes} | set(tensors) | self._lost
        broken = set(self._lost)
        waiting: dict[str, list[int]] = {}
        missing: dict[int, int] = {}
        for index, node in enumerate(self._nodes):
            dangling = [name for name in dict.fromkeys(node.inputs) if name not in produced]
            for name in dangling:
                self._problem(
                    f"node '{node.name}'",
                    f"input tensor '{name}' is not produced by any node",
                    fix="connect it or remove the node",
                )
            if dangling:
                broken.add(node.output)
            needs = {name for name in node.inputs if name not in tensors and name not in self._lost} - set(dangling)
            missing[index] = len(needs)
            for name in needs:
                waiting.setdefault(name, []).append(index)
        ready = [index for index, count in missing.items() if not count]
        ordered: list[Node] = []
        while ready:
            index = heappop(ready)
            del missing[index]
            node = self._nodes[index]
            tensor = None if broken & {node.output, *node.inputs} else self._type(node, tensors)
            if tensor is None:
                broken.add(node.output)
            else:
                tensors[node.output] = tensor
                ordered.append(node)
            for other in waiting.pop(node.output, ()):
                missing[other] -= 1
                if not missing[other]:
                    heappush(ready, other)
        if missing:
            names = ", ".join(f"'{self._nodes[index].name}'" for index in missing)
            fix = "remove the cycle; recurrence is declared as state"
            self._problem("graph", f"nodes {names} form a cycle or wait for one", "graphs without cycles", fix)
        return tensors, ordered

    def _check_names(self) -> None:
        for label, names in (
            ("node", [n.name for n in self._nodes]),
            ("tensor", [n.output for n in self._nodes] + list(self._declared)),
        ):
            for name in sorted({n for n in names if names.count(n) > 1}):
                self._problem(f"{label} '{name}'", f"the name of this {label} is used {names.count(name)} times")
        for tensor in self._declared.values():
            if not 1 <= len(tensor.shape) <= 3 or min(tensor.shape) < 1 or tensor.nbytes >= LARGEST:
                self._problem(
                    f"input '{tensor.name}'",
                    f"shape {tensor.shape} is not supported",
                    f"1 to 3 fixed dimensions without batch: (F), (C, L) or (C, H, W), below {LARGEST} bytes",
                )
                self._lost.add(tensor.name)
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
        if tensor.nbytes >= LARGEST:
            self._problem(where, f"its output has shape {shape}, {tensor.nbytes} bytes", f"below {LARGEST} bytes")
            return None
        if not node.op.keeps_scale or self._scales[node.output] is not None:
            self._check_quantization(where, tensor)
        for finding in node.op.faults(*inputs):
            self._problem(where, finding.what, finding.supported, finding.fix)
        return tensor
