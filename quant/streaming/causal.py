"""A window model made causal: it looks only back, and padding exists only before the beginning of the recording.

A convolution that looked ahead by r positions becomes one that answers r positions later. What joins two paths waits
for the slower one. The head, which takes the last steps of a window, slides: one answer per hop.

What was before a tensor's new positions is left open here: padding in one run over a whole recording
(:mod:`quant.streaming.recording`), states where the model runs hop by hop (:mod:`quant.streaming.step`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import lcm

from quant.errors import Problem, Unsupported, UserError
from quant.graph import Graph, GraphBuilder, Node, Tensor
from quant.ops import Add, AveragePool, Conv, Dense, MaxPool, Op, Requantize, Reshape, Slice, Table
from quant.streaming.motion import Motion, piece

END = 1 << 31  # a slice's "to the end"
EXACT = "stream it in mode 'exact'"


@dataclass(frozen=True)
class Flow:
    """A tensor of the causal model.

    Attributes:
        tensor: as in the window model, time last; flattening is left to the dense layer behind it.
        window: positions that the window model has.
        positions: new ones per hop.
        stride: samples per position.
        delay: samples by which it answers later than the window model.
        answer: samples from the beginning of a window until the head has seen all of it; None before the head.
        flat: whether the window model has all positions in one vector here.
    """

    tensor: Tensor
    window: int
    positions: int
    stride: int = 1
    delay: int = 0
    answer: int | None = None
    flat: bool = False

    @property
    def name(self) -> str:
        return self.tensor.name

    @property
    def rank(self) -> int:
        return len(self.tensor.shape)


def along(rank: int, start: int, stop: int, step: int = 1) -> Slice:
    """A slice of the last of ``rank`` axes."""
    return Slice((*((0, END, 1),) * (rank - 1), (start, stop, step)))


class Causal(ABC):
    """Walks through the window model and writes the causal one, ``hops`` hops at once.

    Raises:
        UserError: the hop is no multiple of the accumulated stride.
    """

    def __init__(self, graph: Graph, motions: Mapping[str, Motion], hop: int, hops: int = 1) -> None:
        self.graph, self.motions, self.hop, self.hops = graph, motions, hop, hops
        self.out = GraphBuilder(graph.name, graph.info)
        self.flows: dict[str, Flow] = {}
        self._made: set[str] = set()
        _check_hop(graph, motions, hop)

    @abstractmethod
    def look_back(self, flow: Flow, positions: int, op: Op | None) -> tuple[str, Op | None]:
        """The tensor of ``flow`` with so many positions before it, and ``op`` for it.

        Before the recording begins they hold zero points; a maximum ignores them.
        """

    @abstractmethod
    def dense(self, node: Node, op: Dense, flow: Flow) -> Flow:
        """A dense layer on the last positions of every hop."""

    def walk(self) -> list[Flow]:
        """Write all nodes; the flows of the outputs.

        Raises:
            UserError: nodes that have no causal form.
        """
        (entry,), problems = self.graph.inputs, []
        shape = (*entry.shape[:-1], self.hop * self.hops)
        self.out.input(entry.name, shape, entry.dtype, entry.zero_point, entry.scale)
        self.flows[entry.name] = Flow(entry, entry.shape[-1], self.hop)
        for node in self.graph.nodes:
            if all(name in self.flows for name in node.inputs):
                try:
                    self.flows[node.output] = self._node(node)
                except Unsupported as fault:
                    where = f"node '{node.name}' ({node.op.kind})"
                    problems.append(Problem(f"it has no causal form: {fault.what}", where, fault.supported, EXACT))
        if problems:
            raise UserError(problems)
        ends = [self.flows[tensor.name] for tensor in self.graph.outputs]
        for end in ends:
            if end.flat:
                what, supported = f"its {end.window} time steps leave the model as one vector", "a dense layer there"
                problems.append(Problem(what, f"output '{end.name}'", supported, EXACT))
        if problems:
            raise UserError(problems)
        return ends

    def _node(self, node: Node) -> Flow:
        flows = [self.flows[name] for name in node.inputs]
        if isinstance(node.op, Dense):
            return self.dense(node, node.op, flows[0])
        if node.output in self.motions:
            return self._slide(node, flows[0]) if _is_head(self.graph, self.motions, node) else self._along(node, flows)
        if isinstance(node.op, Reshape) and len(self.graph.tensors[node.output].shape) == 1:
            return replace(flows[0], flat=flows[0].window > 1)
        if isinstance(node.op, Table | Requantize | Add):
            return self._along(node, flows)
        raise Unsupported("it takes a whole window at once", "a flattening reshape and dense layers")

    def _along(self, node: Node, flows: list[Flow]) -> Flow:
        """An operator that moves on with time."""
        move, first, made = self.motions.get(node.output, Motion()), flows[0], self.graph.tensors[node.output]
        slowest = max(flow.delay for flow in flows)
        names = [self._later(flow, slowest - flow.delay) for flow in flows]
        back, positions = max(move.width - move.stride, 0), first.positions // move.stride
        op = piece(node.op, 0, 0, (*made.shape[:-1], positions * self.hops))
        if back:
            seen, behind = self.look_back(first, back, op)
            names, op = [seen], behind or op
        window = made.shape[-1] if node.output in self.motions else first.window
        if node.output not in self.motions:  # elementwise behind a flattening reshape or a head
            made = replace(made, shape=first.tensor.shape)
        self.add(node, op, names)
        answers = [flow.answer for flow in flows if flow.answer is not None]
        delay = slowest + (back + move.offset) * first.stride
        answer = max(answers, default=None)
        return Flow(made, window, positions, first.stride * move.stride, delay, answer, first.flat)

    def _later(self, flow: Flow, samples: int) -> str:
        """The tensor of ``flow``, so many samples later."""
        if not samples:
            return flow.name
        if samples % flow.stride:
            what = f"its inputs are {samples} samples apart, and '{flow.name}' has one position in {flow.stride}"
            raise Unsupported(what, "paths that differ by whole positions")
        seen, _ = self.look_back(flow, samples // flow.stride, None)
        return self.once(f"{seen}.late", along(flow.rank, 0, flow.positions * self.hops), seen)

    def _slide(self, node: Node, flow: Flow) -> Flow:
        """A head along time: one output per hop."""
        if isinstance(node.op, Slice):
            last = (flow.positions - 1, END, flow.positions)
            self.add(node, Slice((*node.op.ranges[:-1], last)), [flow.name])
        else:
            assert isinstance(node.op, Conv | AveragePool | MaxPool)
            strides = (*node.op.strides[:-1], flow.positions)
            name, op = self.last_window(flow, piece(replace(node.op, strides=strides), 0, 0, ()))
            self.add(node, op, [name])
        return self.answered(flow, self.graph.tensors[node.output])

    def last_window(self, flow: Flow, op: Op) -> tuple[str, Op]:
        """The tensor of ``flow`` from the first position on that the first answer reads, and ``op`` for it."""
        missing = flow.window - flow.positions
        if missing > 0:
            name, changed = self.look_back(flow, missing, op)
            return name, changed or op
        if missing == 0:
            return flow.name, op
        return self.once(f"{flow.name}.last", along(flow.rank, -missing, END), flow.name), op

    def answered(self, flow: Flow, tensor: Tensor) -> Flow:
        """The head's output."""
        answer = flow.window * flow.stride + flow.delay if flow.answer is None else flow.answer
        return Flow(tensor, 1, 1, self.hop, flow.delay, answer)

    def once(self, name: str, op: Op, *inputs: str) -> str:
        """A node that several others may ask for."""
        if name not in self._made:
            self._made.add(name)
            self.out.add(name, op, *inputs)
        return name

    def add(self, node: Node, op: Op, names: list[str]) -> None:
        self.out.add(node.name, op, *names, output=node.output, scale=self.graph.tensors[node.output].scale)


def _is_head(graph: Graph, motions: Mapping[str, Motion], node: Node) -> bool:
    """Whether a node along time takes all of its window or its end: a global pool, the last step."""
    x, y = graph.inputs_of(node)[0], graph.tensors[node.output]
    if x.shape[-1] == 1 or y.shape[-1] > 1:
        return False
    move = motions[node.output]
    if isinstance(node.op, Slice):
        return move.offset == x.shape[-1] - 1
    dilated = isinstance(node.op, Conv) and node.op.dilations[-1] > 1
    return move.offset == 0 and move.width == x.shape[-1] and not dilated


def _check_hop(graph: Graph, motions: Mapping[str, Motion], hop: int) -> None:
    """Raises UserError unless every layer has whole positions per hop."""
    strides = {graph.inputs[0].name: 1}
    for node in graph.nodes:
        if node.output in motions:
            stride = 1 if _is_head(graph, motions, node) else motions[node.output].stride
            strides[node.output] = strides[node.inputs[0]] * stride
    whole = lcm(*strides.values())
    if hop % whole:
        below = hop // whole * whole
        fix = " or ".join(str(number) for number in (below, below + whole) if number)
        what = f"a hop of {hop} samples is no multiple of the accumulated stride of {whole}"
        raise UserError(Problem(what, f"model '{graph.name}'", f"multiples of {whole}", f"choose {fix}"))
