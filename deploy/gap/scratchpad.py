"""Addresses in L1: resident tensors, the slots of streams, scratch; one time step per layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deploy.cluster import Cluster
from deploy.gap.homes import Homes, choose_homes
from deploy.gap.stored import sizes, spans
from deploy.gap.tiling import Tiling
from deploy.group import Group
from deploy.layers import Lowered
from deploy.memory import Arena, Buffer
from deploy.memory import plan as plan_memory

SLACK_BYTES = 8  # behind the L1 arena: kernels may read that far behind a buffer


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


def fit(low: Lowered, whole: int, cluster: Cluster, l2_room: int | None = None) -> tuple[Homes, Arena]:
    """Homes and addresses within ``whole`` bytes; fragmented memory needs more than what is alive.

    Args:
        l2_room: bytes of L2 that tensors may take, where that counts.

    Raises:
        UserError: a layer does not fit.
    """
    budget = whole
    while True:
        homes = choose_homes(low, budget, cluster, l2_room)
        buffers = _buffers(low, homes)
        arena = plan_memory(buffers)
        if arena.size <= whole:
            return homes, _with_prefetch(homes, buffers, arena, whole)
        budget -= arena.size - whole


def _buffers(low: Lowered, homes: Homes) -> list[Buffer]:
    live, size = spans(low, homes.groups), sizes(low)
    buffers = [
        Buffer(name, size[name], homes.groups[first].first.index, homes.groups[last].last.index)
        for name, (first, last) in live.items()
        if name in homes.resident
    ]
    for group, tiling in zip(homes.groups, homes.tilings, strict=True):
        buffers += [buffer for buffer in _of_group(group, tiling) if buffer.size]
    return buffers


def _of_group(group: Group, tiling: Tiling) -> list[Buffer]:
    """Streams while any tile is under way, scratch and tiles between layers while their layers compute."""
    first, last = group.first.index, group.last.index
    indices = range(first, last + 1)
    rings = [
        *((input_ring(group, at), stream.l1_bytes) for at, stream in enumerate(tiling.inputs)),
        (output_ring(group), tiling.output.l1_bytes),
        *((constant_ring(index), stream.l1_bytes) for index, stream in zip(indices, tiling.constants, strict=True)),
    ]
    return [
        *(Buffer(name, size, first, last) for name, size in rings),
        *(Buffer(between(i), size, i, i + 1) for i, size in zip(indices, tiling.between, strict=False)),
        *(Buffer(scratch(i), size, i, i) for i, size in zip(indices, tiling.scratch, strict=True)),
    ]


def _with_prefetch(homes: Homes, buffers: Sequence[Buffer], arena: Arena, whole: int) -> Arena:
    """Room for a group's first constants while the layer before computes, wherever there is any."""
    current = list(buffers)
    names = {constant_ring(group.first.index) for group in homes.groups if group.index > 0}
    for at, buffer in enumerate(buffers):
        if buffer.name in names:
            tried = [*current[:at], replace(buffer, first=buffer.first - 1), *current[at + 1 :]]
            wider = plan_memory(tried)
            if wider.size <= whole:
                current, arena = tried, wider
    return arena


def prefetched(arena: Arena, group: Group) -> bool:
    """Whether the group's first constants may arrive while the layer before computes."""
    return any(b.name == constant_ring(group.first.index) and b.first < group.first.index for b in arena.buffers)
