"""What travels with a step model (``info["streaming"]``): where it comes from, and what it does about every layer."""

from __future__ import annotations

from typing import Any

from quant.graph import Graph
from quant.streaming.reuse import Choice, Reuse
from quant.streaming.spans import length


def facts(graph: Graph, reuse: Reuse, choice: Choice) -> dict[str, Any]:
    """The facts of an exact stream."""
    return {
        "mode": "exact",
        **window_facts(graph, reuse.hop),
        "delay": 0,
        "layers": [_layer(name, reuse, choice) for name in reuse.tracks if name in choice.parts],
    }


def step_info(graph: Graph, facts: dict[str, Any]) -> dict[str, Any]:
    """What travels with a step model; the MACs of the network's table are those of a window, not of a hop."""
    return {**{key: value for key, value in graph.info.items() if key != "macs"}, "streaming": facts}


def window_facts(graph: Graph, hop: int) -> dict[str, Any]:
    """The window model that a stream was made from, and the hop."""
    return {
        "hop": hop,
        "window": graph.inputs[0].shape[-1],
        "window_macs": graph.total_macs,
        "parameters": graph.parameters,
    }


def _layer(name: str, reuse: Reuse, choice: Choice) -> dict[str, Any]:
    track, part = reuse.tracks[name], choice.parts[name]
    kept = part.kept[1] - part.kept[0] if part.kept else 0
    return {
        "name": name,
        "positions": track.size,
        "computed": length(part.computed),
        "kept": kept,
        "state_bytes": kept * track.bytes,
        "why": _why(name, reuse, kept),
    }


def _why(name: str, reuse: Reuse, kept: int) -> str:
    track = reuse.tracks[name]
    if kept:
        return "kept: that costs less than computing it"
    if name == reuse.input:
        return "not kept: nothing older is read"
    if track.shift is None:
        return f"not kept: the hop of {reuse.hop} is no multiple of its stride of {track.stride} samples"
    if track.reusable[0] >= track.reusable[1]:
        return "not kept: what two windows share touches padding"
    return "not kept: computing what is needed costs less"
