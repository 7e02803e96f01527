"""Window model -> step model, whose input is what is new since the step before."""

from __future__ import annotations

from typing import Literal

from quant.errors import Problem, Unsupported, UserError, unknown
from quant.graph import Graph
from quant.streaming.exact import exact
from quant.streaming.motion import Motion, motion
from quant.streaming.step import causal_step

Mode = Literal["exact", "causal"]
MODES: tuple[Mode, ...] = ("exact", "causal")


def stream(graph: Graph, hop: int, mode: str = "exact") -> Graph:
    """The model as a stream with the one entry ``step``: input (..., hop), states for what it remembers.

    Args:
        hop: new samples per step.
        mode: ``exact``: the bytes of the whole window, the last T samples, at every step. ``causal``: padding only at
            the very beginning of the recording.

    Raises:
        UserError: an unknown mode, a hop that does not fit, a model that cannot be streamed.
    """
    if mode not in MODES:
        raise unknown("streaming mode", mode, MODES)
    motions = check(graph, hop)
    return exact(graph, motions, hop) if mode == "exact" else causal_step(graph, motions, hop)


def check(graph: Graph, hop: int) -> dict[str, Motion]:
    """How the nodes move along time, by output tensor; raises UserError as :func:`stream`."""
    where = f"model '{graph.name}'"
    if graph.states or len(graph.entries) != 1 or len(graph.inputs) != 1:
        what = f"it has {len(graph.states)} states, {len(graph.entries)} entries and {len(graph.inputs)} inputs"
        raise UserError(Problem(what, where, "a window model with one input and without states"))
    entry = graph.inputs[0]
    if len(entry.shape) < 2:
        raise UserError(Problem(f"its input {entry.shape} has no time axis", where, "(C, L) or (C, H, W), time last"))
    if not 0 < hop < entry.shape[-1]:
        raise UserError(Problem(f"a hop of {hop} samples", where, f"1 to {entry.shape[-1] - 1}: less than its window"))
    motions: dict[str, Motion] = {}
    problems = []
    for node in graph.nodes:
        along = [name in motions or name == entry.name for name in node.inputs]
        if not any(along):
            continue
        try:
            if not all(along):
                raise Unsupported("it joins a tensor along time with one that has none")
            move = motion(node.op, graph.inputs_of(node), graph.tensors[node.output])
        except Unsupported as fault:
            name = f"node '{node.name}' ({node.op.kind})"
            problems.append(Problem(f"it cannot be streamed: {fault.what}", name, fault.supported))
            continue
        if move is not None:
            motions[node.output] = move
    if problems:
        raise UserError(problems)
    return motions
