"""Stored tensors: how large they are, how long they live, and which of them lie in L2."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from deploy.group import Group
from deploy.layers import Layer, Lowered
from deploy.memory import Arena, Buffer, plan
from deploy.state import carried, moves
from deploy.tile import tileable


def spans(low: Lowered, groups: Sequence[Group]) -> dict[str, tuple[int, int]]:
    """First and last group that touches every stored tensor; what lies inside a group is not stored."""
    uses: dict[str, list[int]] = {}
    for group in groups:
        for name in (*group.first.node.inputs, group.last.node.output):
            uses.setdefault(low.storage[name], []).append(group.index)
    return {name: (min(steps), max(steps)) for name, steps in uses.items()}


def sizes(low: Lowered) -> dict[str, int]:
    """Bytes of every stored tensor."""
    result: dict[str, int] = {}
    for name, base in low.storage.items():
        result[base] = max(result.get(base, 0), low.need.tensor(name).nbytes)
    return result


def l3_slot(turn: int) -> str:
    """The buffer in L2 that receives the piece of constants number ``turn`` from L3: they alternate."""
    return f"from L3, slot {turn % 2}"


def l2_arena(low: Lowered, groups: Sequence[Group], resident: Set[str], slot_bytes: int = 0) -> Arena:
    """Addresses of inputs, outputs, states and what streams; time steps are groups, shifted by one for the copy of the
    inputs.

    Args:
        resident: stored tensors that lie in L1.
        slot_bytes: of a piece of constants on its way from L3.
    """
    live, size = spans(low, groups), sizes(low)
    moved = _written_in_place(low, resident)
    pasts = {state.input for state in low.graph.states}
    inputs = {low.storage[t.name] for t in low.graph.all_inputs} | pasts
    outputs = {low.storage[t.name] for t in low.graph.all_outputs} | pasts
    outputs |= {name for state in low.graph.states for name in state.outputs}
    end = len(groups) + 1
    buffers = [Buffer(l3_slot(turn), slot_bytes, 0, end) for turn in range(2) if slot_bytes]
    for name, (first, last) in live.items():
        if name in moved:
            continue
        if name not in resident or name in inputs | outputs:
            steps = 0 if name in inputs else first + 1, end if name in outputs else last + 1
            buffers.append(Buffer(name, size[name], *steps))
    arena = plan(buffers)
    return replace(arena, offsets={**arena.offsets, **{name: arena.offsets[past] for name, past in moved.items()}})


def _written_in_place(low: Lowered, resident: Set[str]) -> dict[str, str]:
    """By the tensor that a state is written as, the one it is read as, where both may have one place in L2.

    Where neither is in L1 while a layer reads the one and writes the other, they may only if its kernel can write over
    what it reads.
    """
    carry, writers = carried(low, _at_once), {layer.node.output: layer for layer in low.layers}
    pairs = carry.items()
    return {after: past for after, past in pairs if _one_place(low, writers[after], past, {after, past} & resident)}


def _one_place(low: Lowered, writer: Layer, past: str, in_l1: Set[str]) -> bool:
    reads = [low.storage[name] for name in writer.node.inputs]
    if past not in reads or in_l1:
        return True
    return _untiled(writer) and reads.index(past) in writer.kernel.inplace(writer.site)


def _at_once(layer: Layer) -> bool:
    """Layers that may write a state: those that only move data, and those that never run in tiles."""
    return moves(layer) or _untiled(layer)


def _untiled(layer: Layer) -> bool:
    return not tileable(layer.site.op)
