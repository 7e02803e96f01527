"""A window model as a stream: every hop gives the bytes that the whole window, computed anew, would give.

The recording is preceded by zero points: so the states start.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from quant.errors import Problem, UserError
from quant.graph import Entry, Graph, GraphBuilder, Node, State, Tensor
from quant.ops import Concat, Slice
from quant.reference import run
from quant.streaming.facts import facts, step_info
from quant.streaming.motion import Motion, piece
from quant.streaming.reuse import Choice, Part, Reuse
from quant.streaming.spans import Span


def exact(graph: Graph, motions: dict[str, Motion], hop: int) -> Graph:
    """The step model; ``motions`` by output tensor, for the nodes that go along time.

    Raises:
        UserError: nothing can be kept, so that a hop is as much work as a window.
    """
    reuse = Reuse(graph, motions, hop)
    choice = reuse.best()
    if not any(part.kept for name, part in choice.parts.items() if name != reuse.input):
        raise UserError(_nothing(graph, reuse, hop))
    return _Builder(graph, reuse, choice).build()


def _nothing(graph: Graph, reuse: Reuse, hop: int) -> Problem:
    """Why no layer's output is worth keeping."""
    tracks = [track for name, track in reuse.tracks.items() if name != reuse.input]
    window = graph.inputs[0].shape[-1]
    if any(track.reusable[0] < track.reusable[1] for track in tracks):
        why = "what two windows share costs more kept than computed"
    elif all(track.shift is None for track in tracks):
        why = f"the hop is no multiple of the first layer's stride of {min(track.stride for track in tracks)}"
    else:
        why = f"all that two windows of {window} samples share touches the padding of one of them"
    what = f"no output of any layer can be kept over a hop of {hop} samples: {why}"
    return Problem(what, f"model '{graph.name}'", "smaller hops, longer windows", "stream it in mode 'causal'")


class _Builder:
    """Writes the step model: per tensor the computed stretches, its state, and what others cut from them."""

    def __init__(self, graph: Graph, reuse: Reuse, choice: Choice) -> None:
        self.graph, self.reuse, self.parts = graph, reuse, choice.parts
        (entry,) = graph.inputs
        self.out = GraphBuilder(graph.name, step_info(graph, facts(graph, reuse, choice)))
        self.pieces: dict[str, list[tuple[Span, str]]] = {}
        self.cuts: set[str] = set()
        shape = (*entry.shape[:-1], reuse.hop)
        self.out.input(entry.name, shape, entry.dtype, entry.zero_point, entry.scale)
        self.pieces[entry.name] = [(self.parts[entry.name].computed[0], entry.name)]

    def build(self) -> Graph:
        for name, part in self.parts.items():
            if part.kept is not None:
                self._past(self.graph.tensors[name], part.kept)
        for node in self.graph.nodes:
            if node.output in self.reuse.motions:
                self._along_time(node)
            else:
                inputs = [self._whole(name) for name in node.inputs]
                self._add(node.name, replace(node, inputs=tuple(inputs)), node.output)
        outputs = tuple(self._whole(tensor.name) for tensor in self.graph.outputs)
        for name, part in self.parts.items():
            if part.kept is not None:
                self._next(name, part)
        self.out.entry(Entry("step", (self.reuse.input,), outputs))
        for name in outputs:
            self.out.output(name)
        return self.out.build()

    def _past(self, tensor: Tensor, kept: Span) -> None:
        shape = (*tensor.shape[:-1], kept[1] - kept[0])
        name = self.out.input(f"{tensor.name}.past", shape, tensor.dtype, tensor.zero_point, tensor.scale)
        self.pieces.setdefault(tensor.name, []).append((kept, name))

    def _next(self, name: str, part: Part) -> None:
        """The state after the step: the same positions of the next window."""
        assert part.kept is not None
        shift = self.reuse.tracks[name].shift
        assert shift is not None
        span = (part.kept[0] + shift, part.kept[1] + shift)
        parts = self._cut(name, span)
        if len(parts) > 1:
            self.out.add(f"{name}.next", Concat(len(self.graph.tensors[name].shape) - 1), *parts)
        else:
            everything = ((0, 1 << 31, 1),) * len(self.graph.tensors[name].shape)
            self.out.add(f"{name}.next", Slice(everything), parts[0])
        quiet = self._quiet[name]
        initial = quiet[0, ..., span[0] : span[1]]
        self.out.state(State(f"{name}.past", f"{name}.next", initial.astype(np.int64)))

    @cached_property
    def _quiet(self) -> dict[str, Any]:
        """All tensors of a window of zero points."""
        entry = self.graph.inputs[0]
        return run(self.graph, {entry.name: np.full((1, *entry.shape), entry.zero_point)})

    def _along_time(self, node: Node) -> None:
        """One application per stretch that is computed."""
        name = node.output
        if name not in self.parts:
            return
        spans, tensor = self.parts[name].computed, self.graph.tensors[name]
        whole = spans == ((0, tensor.shape[-1]),)
        for index, span in enumerate(spans):
            read = self.reuse.motions[name].reads(*span)
            wanted = [self.reuse.wanted(node, source, span) for source in node.inputs]
            before, behind = max(-read[0], 0), max(read[1] - wanted[0][1], 0)
            op = piece(node.op, before, behind, (*tensor.shape[:-1], span[1] - span[0]))
            inputs = tuple(self._view(source, want) for source, want in zip(node.inputs, wanted, strict=True))
            suffix = "" if len(spans) == 1 else f".{index}"
            made = Node(f"{node.name}{suffix}", op, inputs, name if whole else f"{name}.{span[0]}to{span[1]}")
            self._add(made.name, made, name)
            self.pieces.setdefault(name, []).append((span, made.output))

    def _add(self, name: str, node: Node, scale_of: str) -> None:
        scale = self.graph.tensors[scale_of].scale
        self.out.add(name, node.op, *node.inputs, output=node.output, scale=scale)

    def _whole(self, name: str) -> str:
        """All positions of a tensor, under its own name."""
        if name not in self.reuse.tracks:
            return name
        return self._view(name, (0, self.reuse.tracks[name].size), name)

    def _view(self, name: str, span: Span, label: str = "") -> str:
        """A tensor of the positions ``span``, joined from what there is."""
        parts = self._cut(name, span)
        if len(parts) == 1:
            return parts[0]
        label = label or f"{name}.{span[0]}to{span[1]}"
        if label not in self.cuts:
            self.cuts.add(label)
            self.out.add(label, Concat(len(self.graph.tensors[name].shape) - 1), *parts)
        return label

    def _cut(self, name: str, span: Span) -> list[str]:
        """The pieces, or parts of them, that hold the positions ``span``, in order."""
        parts, at = [], span[0]
        for (start, stop), held in sorted(self.pieces[name]):  # they may overlap where kernels wanted an input
            b = min(stop, span[1])
            if at < b:
                parts.append(held if (at, b) == (start, stop) else self._slice(name, held, (at, b), start))
                at = b
        return parts

    def _slice(self, name: str, held: str, span: Span, start: int) -> str:
        label = f"{held}.{span[0]}to{span[1]}"
        if label not in self.cuts:
            self.cuts.add(label)
            axes = ((0, 1 << 31, 1),) * (len(self.graph.tensors[name].shape) - 1)
            self.out.add(label, Slice((*axes, (span[0] - start, span[1] - start, 1))), held)
        return label
