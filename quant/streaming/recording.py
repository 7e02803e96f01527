"""The causal model in one run over a whole recording: what the stream of its hops has to give."""

from __future__ import annotations

from dataclasses import replace

from quant.errors import Problem, UserError
from quant.graph import Graph, Node, Tensor
from quant.ops import Conv, Dense, MaxPool, Op, Pad
from quant.streaming.causal import Causal, Flow
from quant.streaming.motion import piece
from quant.streaming.stream import check


def causal(graph: Graph, length: int, hop: int) -> Graph:
    """The model over ``length`` samples, one answer per ``hop``: input (..., length), output (classes, 1, hops).

    Raises:
        UserError: the model has no causal form, or the hop does not fit it or the recording.
    """
    motions = check(graph, hop)
    if length < hop or length % hop:
        what = f"a recording of {length} samples has no whole number of hops of {hop}"
        raise UserError(Problem(what, f"model '{graph.name}'", f"multiples of {hop}"))
    run = _Recording(graph, motions, hop, length // hop)
    for end in run.walk():
        run.out.output(end.name)
    return run.out.build()


class _Recording(Causal):
    def look_back(self, flow: Flow, positions: int, op: Op | None) -> tuple[str, Op | None]:
        if isinstance(op, MaxPool):
            return flow.name, piece(op, positions, 0, ())
        pads = (*(0,) * (flow.rank - 1), positions, *(0,) * flow.rank)
        return self.once(f"{flow.name}.seen{positions}", Pad(pads), flow.name), op

    def dense(self, node: Node, op: Dense, flow: Flow) -> Flow:
        """A convolution over the window's positions that moves on by a hop."""
        kernel = (*flow.tensor.shape[1:-1], flow.window)
        weight = op.weight.reshape(len(op.weight), flow.tensor.shape[0], *kernel)
        rank = len(kernel)
        strides, ones = (*(1,) * (rank - 1), flow.positions), (1,) * rank
        conv = Conv(weight, op.bias, op.requant, strides, ones, (0,) * 2 * rank)
        name, _ = self.last_window(flow, conv)
        self.add(node, conv, [name])
        tensor: Tensor = self.graph.tensors[node.output]
        return self.answered(flow, replace(tensor, shape=(tensor.shape[0], *ones)))
