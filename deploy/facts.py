"""What ``build.json`` says of a model, whatever it was built for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deploy.codegen import entry_function, identifier, layer_symbol
from deploy.layers import Layer, Lowered
from deploy.paths import edgekit_version
from deploy.status import label_of
from quant.graph import Graph, Tensor


def model_facts(plan: Lowered, compiler: str) -> dict[str, Any]:
    """Model, board and versions; ``order``: of temporal and spatial convolution, None where there is no choice."""
    graph = plan.graph
    return {
        "format": 1,
        "model": graph.name,
        "board": plan.board.name,
        "compiler": compiler,
        "edgekit": edgekit_version(),
        "prefix": identifier(graph.name),
        "function": entry_function(graph),
        "state_bytes": sum(graph.tensors[state.input].nbytes for state in graph.states),
        "params": graph.info.get("streaming", {}).get("parameters", graph.parameters),
        "macs": table_macs(graph),
        "order": graph.info.get("order"),
        "executed_macs": plan.executed_macs,
        "info": dict(graph.info),
    }


def entry_facts(plan: Lowered, describe: Callable[[Tensor], dict[str, Any]]) -> list[dict[str, Any]]:
    """Every entry: its C function, its tensors as ``describe`` puts them, the layers that it runs, its label."""
    graph, facts = plan.graph, []
    for entry in graph.entries:
        label = label_of(graph, entry)
        facts.append(
            {
                "name": entry.name,
                "function": entry_function(graph, entry),
                "inputs": [describe(graph.tensors[name]) for name in entry.inputs],
                "outputs": [describe(graph.tensors[name]) for name in entry.outputs],
                "layers": [layer.node.name for layer in plan.layers_of(entry)],
                "label": None if label is None else {"input": label.tensor, "classes": label.classes},
            }
        )
    return facts


def state_facts(plan: Lowered, describe: Callable[[Tensor], dict[str, Any]]) -> list[dict[str, Any]]:
    """Every state: its tensor as ``describe`` puts it, and whether it outlives power."""
    return [{**describe(plan.graph.tensors[s.input]), "storage": s.storage} for s in plan.graph.states]


def table_macs(graph: Graph) -> int:
    """MACs of the network's table in its published order, as the training noted them; otherwise of the graph."""
    noted = graph.info.get("macs")
    return noted if isinstance(noted, int) else graph.total_macs


def layer_facts(plan: Lowered, layer: Layer) -> dict[str, Any]:
    """A layer but for its memory."""
    return {
        "name": layer.node.name,
        "op": layer.node.op.kind,
        "kernel": layer.kernel.name,
        "why": layer.why,
        "symbol": layer_symbol(plan, layer),
        "macs": plan.graph.macs(layer.node),
        "executed_macs": layer.executed_macs,
        "constant_bytes": layer.constant_bytes,
        "scratch_bytes": layer.scratch_bytes,
    }


def tensor_facts(plan: Lowered, tensor: Tensor) -> dict[str, Any]:
    """A tensor but for its address.

    Where not all of it is computed, ``shape`` is that of the ``part`` that is: of every axis of the ``whole`` the first
    element, one past the last, and the step between them where it is not 1.
    """
    layout = plan.layouts[tensor.name]
    part = [[first, stop] if step == 1 else [first, stop, step] for first, stop, step in plan.need.boxes[tensor.name]]
    whole = list(plan.graph.tensors[tensor.name].shape)
    return {
        "name": tensor.name,
        "dtype": tensor.dtype.value,
        "shape": list(tensor.shape),
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
        "bytes": tensor.nbytes,
        "layout": {"view": list(layout.view), "perm": list(layout.perm)},
        **({"part": part, "whole": whole} if plan.need.partial(tensor.name) else {}),
    }
