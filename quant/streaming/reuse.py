"""What an exact stream can keep from one window to the next, and what that costs.

Of a tensor with L positions along time, ``a`` to ``b - 1`` see no padding of the window. A hop moves the window by h of
the tensor's positions, so position p of the new window is position p + h of the old one: p from ``a`` to ``b - h - 1``
can be kept. Everything else that is needed is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from quant.graph import Graph, Node, Tensor
from quant.ops import AveragePool, Conv, MaxPool
from quant.streaming.motion import Motion
from quant.streaming.spans import Span, Spans, intersection, length, union, without

# Estimated work, in MACs: what decides whether a tensor is worth keeping.
MOVED, ELEMENT = 1, 4  # one byte copied, one element of an operator without MACs


@dataclass(frozen=True)
class Track:
    """A tensor along time.

    Attributes:
        stride: samples of the input from one position to the next.
        interior: positions that see no padding.
        shift: positions per hop; None where the hop is no multiple of the stride.
    """

    tensor: Tensor
    stride: int
    interior: Span
    shift: int | None

    @property
    def size(self) -> int:
        return self.tensor.shape[-1]

    @property
    def bytes(self) -> int:
        """Bytes of one position."""
        return self.tensor.dtype.nbytes(self.tensor.shape[:-1])

    @property
    def reusable(self) -> Span:
        """Positions that the window before held, too; empty (start >= stop) where there are none."""
        return (0, 0) if self.shift is None else (self.interior[0], self.interior[1] - self.shift)


@dataclass(frozen=True)
class Part:
    """What is done about one tensor.

    Attributes:
        computed: positions that its operator computes (of the input: the new samples).
        kept: positions that come from the state; None without a state.
    """

    computed: Spans
    kept: Span | None = None


@dataclass(frozen=True)
class Choice:
    """Parts of all tensors along time, and the estimated work of a hop in MACs."""

    parts: Mapping[str, Part]
    work: int


def tracks(graph: Graph, motions: Mapping[str, Motion], hop: int) -> dict[str, Track]:
    """The tensors along time; ``motions``: by output tensor."""
    (entry,) = graph.inputs
    result = {entry.name: Track(entry, 1, (0, entry.shape[-1]), hop)}
    for node in graph.nodes:
        if node.output in motions:
            result[node.output] = _track(node, graph.tensors[node.output], motions[node.output], result, hop)
    return result


def _track(node: Node, tensor: Tensor, move: Motion, known: Mapping[str, Track], hop: int) -> Track:
    sources = [known[name] for name in node.inputs]
    a, b = max(s.interior[0] for s in sources), min(s.interior[1] for s in sources)
    first = -(-(a - move.offset) // move.stride)
    behind = (b - move.offset - move.width) // move.stride + 1
    stride = sources[0].stride * move.stride
    interior = max(first, 0), min(behind, tensor.shape[-1])
    return Track(tensor, stride, interior, hop // stride if hop % stride == 0 else None)


class Reuse:
    """Evaluates which tensors are worth keeping.

    Args:
        motions: by output tensor, for the nodes that go along time.
    """

    def __init__(self, graph: Graph, motions: Mapping[str, Motion], hop: int) -> None:
        self.graph, self.motions, self.hop = graph, motions, hop
        self.tracks = tracks(graph, motions, hop)
        self.input = graph.inputs[0].name
        wholes = {name for node in graph.nodes if node.output not in motions for name in node.inputs}
        wholes |= {tensor.name for tensor in graph.outputs}
        self.whole = wholes & set(self.tracks)

    def best(self) -> Choice:
        """From everything kept and from nothing kept, change one tensor at a time as long as that saves work."""
        able = [name for name, track in self.tracks.items() if track.reusable[0] < track.reusable[1]]
        able = [name for name in able if name != self.input]
        return min((self._descend(set(start), able) for start in (able, ())), key=lambda choice: choice.work)

    def _descend(self, kept: set[str], able: list[str]) -> Choice:
        best = self.choice(kept)
        while True:
            before = best.work
            for name in reversed(able):
                trial = self.choice(kept ^ {name})
                if trial.work < best.work:
                    best, kept = trial, kept ^ {name}
            if best.work == before:
                return best

    def choice(self, kept: set[str]) -> Choice:
        """The positions that have to be computed where the tensors ``kept`` have a state, if they need one."""
        needs: dict[str, Spans] = {name: ((0, self.tracks[name].size),) for name in self.whole}
        parts: dict[str, Part] = {}
        work = 0
        for node in reversed(self.graph.nodes):
            name = node.output
            if name not in self.motions or name not in needs:
                continue
            part = self._part(name, needs[name], name in kept)
            spans = tuple(self._touching(node, span) for span in part.computed)
            part = parts[name] = Part(union(spans), part.kept)
            work += self._work(node, part)
            for span in part.computed:
                for source in node.inputs:
                    wanted = self.wanted(node, source, span)
                    needs[source] = union(needs.get(source, ()), (wanted,))
        samples = self.tracks[self.input]
        new = (samples.size - self.hop, samples.size)
        old = intersection(needs.get(self.input, ()), (0, new[0]))
        parts[self.input] = Part((new,), (old[0][0], new[0]) if old else None)
        for part_name, part in parts.items():
            if part.kept is not None:
                work += 2 * MOVED * self.tracks[part_name].bytes * (part.kept[1] - part.kept[0])
        return Choice(parts, work)

    def wanted(self, node: Node, source: str, span: Span) -> Span:
        """The positions of ``source`` that the outputs ``span`` of ``node`` read, without padding."""
        start, stop = self.motions[node.output].reads(*span)
        return max(start, 0), min(stop, self.tracks[source].size)

    def _part(self, name: str, need: Spans, keep: bool) -> Part:
        track = self.tracks[name]
        old = intersection(need, track.reusable) if keep else ()
        if not old:
            return Part(need)
        assert track.shift is not None
        kept = (old[0][0], track.reusable[1])
        fresh = (max(kept[1], kept[0] + track.shift), track.interior[1])
        return Part(union(without(need, kept), (fresh,)), kept)

    def _touching(self, node: Node, span: Span) -> Span:
        """``span``, wider where all that it reads is padding: kernels want an input."""
        start, stop = span
        size = self.tracks[node.output].size
        while not self._reads_something(node, (start, stop)):
            start, stop = (start, stop + 1) if stop < size and start < size - stop else (max(start - 1, 0), stop)
        return start, stop

    def _reads_something(self, node: Node, span: Span) -> bool:
        return all(a < b for a, b in (self.wanted(node, source, span) for source in node.inputs))

    def _work(self, node: Node, part: Part) -> int:
        """Estimated work of the positions that a node computes."""
        op, track = node.op, self.tracks[node.output]
        macs = self.graph.macs(node) // track.size
        elements = prod(track.tensor.shape[:-1])
        if isinstance(op, AveragePool | MaxPool):
            elements *= prod(op.kernel)
        each = macs if isinstance(op, Conv) else ELEMENT * elements
        return length(part.computed) * each
