"""The causal model hop by hop: states hold what was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quant.graph import Entry, Graph, Node, State
from quant.ops import Concat, Dense, MaxPool, Op, Reshape
from quant.streaming.causal import END, Causal, Flow, along
from quant.streaming.facts import step_info, window_facts
from quant.streaming.motion import Motion


def causal_step(graph: Graph, motions: Mapping[str, Motion], hop: int) -> Graph:
    """The step model: input (..., hop), entry ``step``; raises UserError where the model has no causal form."""
    return _Step(graph, motions, hop).build()


class _Step(Causal):
    def __init__(self, graph: Graph, motions: Mapping[str, Motion], hop: int) -> None:
        super().__init__(graph, motions, hop)
        self.labels: dict[tuple[str, int, int], str] = {}
        self.seen: list[tuple[str, Flow, State]] = []

    def build(self) -> Graph:
        ends = self.walk()
        for label, flow, state in self.seen:
            self.out.add(state.output, along(flow.rank, flow.positions, END), f"{label}.seen")
            self.out.state(state)
        outputs = tuple(end.name for end in ends)
        self.out.entry(Entry("step", (self.graph.inputs[0].name,), outputs))
        for name in outputs:
            self.out.output(name)
        self.out.info = step_info(self.graph, self._facts(ends[0]))
        return self.out.build()

    def look_back(self, flow: Flow, positions: int, op: Op | None) -> tuple[str, Op | None]:
        value = flow.tensor.dtype.low if isinstance(op, MaxPool) else flow.tensor.zero_point
        key = (flow.name, positions, value)
        if key not in self.labels:
            number = sum(name == flow.name for name, _, _ in self.labels)
            label, tensor = f"{flow.name}{number or ''}", flow.tensor
            past = (*tensor.shape[:-1], positions)
            self.out.input(f"{label}.past", past, tensor.dtype, tensor.zero_point, tensor.scale)
            self.out.add(f"{label}.seen", Concat(flow.rank - 1), f"{label}.past", flow.name)
            state = State(f"{label}.past", f"{label}.next", np.full(past, value, np.int64))
            self.labels[key] = label
            self.seen.append((label, flow, state))
        return f"{self.labels[key]}.seen", op

    def dense(self, node: Node, op: Dense, flow: Flow) -> Flow:
        name = flow.name
        if flow.rank > 1:
            seen, _ = self.last_window(flow, op)
            name = self.once(f"{node.name}.flat", Reshape((op.weight.shape[1],)), seen)
        self.add(node, op, [name])
        return self.answered(flow, self.graph.tensors[node.output])

    def _facts(self, end: Flow) -> dict[str, Any]:
        held = {flow.name: 0 for flow in self.flows.values()}
        size = dict(held)
        for _, flow, state in self.seen:
            held[flow.name] += state.initial.shape[-1]
            size[flow.name] += flow.tensor.dtype.nbytes(state.initial.shape)
        flows = {flow.name: flow for flow in self.flows.values()}
        return {
            "mode": "causal",
            **window_facts(self.graph, self.hop),
            "delay": end.delay,
            "answer": end.answer,
            "layers": [
                {
                    "name": name,
                    "positions": flow.window,
                    "computed": flow.positions,
                    "kept": held[name],
                    "state_bytes": size[name],
                    "why": "what later layers look back to" if held[name] else "nothing looks back to it",
                }
                for name, flow in flows.items()
            ],
        }
