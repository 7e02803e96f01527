"""Addresses in L1: resident tensors, the slots of streams, scratch; one time step per group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deploy.cluster import Cluster
from deploy.gap.homes import Homes, choose_homes, sizes, spans
from deploy.gap.tiling import Tiling
from deploy.group import Group
from deploy.layers import Lowered
from deploy.memory import Arena, Buffer
from deploy.memory import plan as plan_memory


def input_ring(group: Group, position: int) -> str:
    return f"input {position} of layer {group.first.index}"


def output_ring(group: Group) -> str:
    return f"output of layer {group.last.index}"


def constant_ring(layer: int) -> str:
    return f"constants of layer {layer}"


def between(layer: int) -> str:
    return f"output tile of layer {layer}"


def scratch(layer: int) -> str:
    return f"scratch of layer {layer}"


def fit(low: Lowered, whole: int, cluster: Cluster) -> tuple[Homes, Arena]:
    """Homes and addresses within ``whole`` bytes; fragmented memory needs more than what is alive.

    Raises:
        UserError: a layer does not fit.
    """
    budget = whole
    while True:
        homes = choose_homes(low, budget, cluster)
        buffers = _buffers(low, homes)
        arena = plan_memory(buffers)
        if arena.size <= whole:
            return homes, _with_prefetch(buffers, arena, whole)
        budget -= arena.size - whole


def _buffers(low: Lowered, homes: Homes) -> list[Buffer]:
    live, size = spans(low, homes.groups), sizes(low)
    buffers = [Buffer(name, size[name], *live[name]) for name in live if name in homes.resident]
    for group, tiling in zip(homes.groups, homes.tilings, strict=True):
        named = _rings(group, tiling)
        buffers += [Buffer(name, size, group.index, group.index) for name, size in named if size]
    return buffers


def _rings(group: Group, tiling: Tiling) -> list[tuple[str, int]]:
    indices = [layer.index for layer in group.layers]
    return [
        *((input_ring(group, at), stream.l1_bytes) for at, stream in enumerate(tiling.inputs)),
        (output_ring(group), tiling.output.l1_bytes),
        *((between(index), size) for index, size in zip(indices, tiling.between, strict=False)),
        *((constant_ring(index), stream.l1_bytes) for index, stream in zip(indices, tiling.constants, strict=True)),
        *((scratch(index), size) for index, size in zip(indices, tiling.scratch, strict=True)),
    ]


def _with_prefetch(buffers: Sequence[Buffer], arena: Arena, whole: int) -> Arena:
    """Room for a layer's first constants while the group before computes, wherever there is any."""
    current = list(buffers)
    for at, buffer in enumerate(buffers):
        if buffer.name.startswith("constants") and buffer.first > 0:
            tried = [*current[:at], replace(buffer, first=buffer.first - 1), *current[at + 1 :]]
            wider = plan_memory(tried)
            if wider.size <= whole:
                current, arena = tried, wider
    return arena


def prefetched(arena: Arena, group: Group, layer: int) -> bool:
    """Whether the layer's first constants may arrive while the group before its own computes."""
    return any(b.name == constant_ring(layer) and b.first < group.index for b in arena.buffers)
