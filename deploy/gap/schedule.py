"""Plan -> table of steps: which tile is where, what is loaded before it and stored behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from deploy.gap.constants import Chunk
from deploy.gap.plan import ClusterPlan
from deploy.gap.scratchpad import between, constant_ring, input_ring, output_ring, prefetched, scratch
from deploy.gap.steps import Fetch, Pointer, Step, Transfer
from deploy.gap.stored import l3_slot
from deploy.gap.tiling import Stream, Work
from deploy.group import Group
from deploy.layers import Layer
from deploy.memory import aligned
from deploy.region import Region
from quant.graph import Entry


def make_steps(plan: ClusterPlan, entry: Entry | None = None) -> list[Step]:
    """The steps of one inference, in order: of one of several entries, or of all layers.

    What arrives early for a layer takes room that only the layer right before leaves free.
    """
    loaded: set[str] = set()
    steps: list[Step] = []
    before = -1
    for group in _groups(plan, entry):
        inputs = _model_inputs(plan, group, loaded)
        made = _Tiles(plan, group).steps() if plan.tilings[group.index].visits else _whole(plan, group.first)
        if group.index != before + 1:
            made[0] = replace(made[0], early=(), late=(*made[0].early, *made[0].late))
        before = group.index
        made[0] = replace(made[0], late=(*inputs, *made[0].late))
        made[-1] = replace(made[-1], store=(*made[-1].store, *_model_outputs(plan, group)), flush=True)
        steps += made
    return list(_with_slots(plan, steps))


def _groups(plan: ClusterPlan, entry: Entry | None) -> list[Group]:
    """Layers of a group have one reader each, so that an entry runs all of them or none."""
    if entry is None:
        return list(plan.groups)
    layers = plan.layers_of(entry)
    return [group for group in plan.groups if group.first in layers]


def moved(steps: Sequence[Step], layer: Layer) -> tuple[int, int]:
    """Bytes that the DMA moves (into L1, out of it) for a layer."""
    own = [step for step in steps if step.layer.index == layer.index]
    into = sum(transfer.bytes for step in own for transfer in (*step.early, *step.late))
    return into, sum(transfer.bytes for step in own for transfer in step.store)


def fetch_starts(steps: Sequence[Step]) -> list[list[Fetch]]:
    """By step, the fetches that start behind its loads: two slots are filled at first, then each when it is free."""
    fetches = [step.fetch for step in steps if step.fetch is not None]
    starts = [fetches[:2]] if steps else []
    done = 0
    for step in steps[1:]:
        done += step.fetch is not None
        starts.append(fetches[done + 1 : done + 2] if step.fetch is not None else [])
    return starts


def _model_inputs(plan: ClusterPlan, group: Group, loaded: set[str]) -> list[Transfer]:
    """The model's inputs and states that live in L1, when they are needed for the first time."""
    transfers = []
    needed = {plan.storage[name] for name in group.first.node.inputs}
    for tensor in (*plan.graph.all_inputs, *(plan.graph.tensors[state.input] for state in plan.graph.states)):
        base = plan.storage[tensor.name]
        if base in plan.resident and base in needed and base not in loaded:
            loaded.add(base)
            transfers.append(Transfer(plan.l1.offsets[base], plan.outside(tensor.name), tensor.nbytes))
    return transfers


def _model_outputs(plan: ClusterPlan, group: Group) -> list[Transfer]:
    """The model's outputs and states that live in L1, when they are complete."""
    base = plan.storage[group.last.node.output]
    pasts = (plan.graph.tensors[name] for state in plan.graph.states for name in state.outputs)
    outputs = (*plan.graph.all_outputs, *pasts)
    tensors = [t for t in outputs if plan.storage[t.name] == base and base in plan.resident]
    return [Transfer(plan.l1.offsets[base], plan.outside(t.name), t.nbytes) for t in tensors[:1]]


def _whole(plan: ClusterPlan, layer: Layer) -> list[Step]:
    """A layer that works on whole tensors, wherever they lie; its constants are read where they are."""
    chunk = next((chunk for chunk in plan.chunks if chunk.layer is layer), None)
    return [
        Step(
            layer,
            None,
            call,
            tuple(plan.pointer(layer.node.inputs[i]) for i in call.inputs),
            plan.pointer(layer.node.output),
            tuple(Pointer("constants", chunk.offset + at) for at, _ in chunk.arrays[position]) if chunk else (),
            _scratch(plan, layer),
        )
        for position, call in enumerate(layer.calls)
    ]


def _scratch(plan: ClusterPlan, layer: Layer) -> Pointer:
    """The layer's scratch memory; anywhere where it needs none."""
    return Pointer("l1", plan.l1.offsets.get(scratch(layer.index), 0))


@dataclass
class _Ring:
    """Slots of a stream; what is there is not loaded again."""

    base: int
    stream: Stream
    at: int = -1
    held: object = None

    def take(self, key: object) -> bool:
        """Move on to the next slot unless ``key`` is there; True where it has to be filled."""
        if self.held == key:
            return False
        self.held = key
        self.at = (self.at + 1) % self.stream.slots
        return True

    @property
    def offset(self) -> int:
        return self.base + self.at * aligned(self.stream.bytes)


class _Tiles:
    """The steps of one group."""

    def __init__(self, plan: ClusterPlan, group: Group) -> None:
        self.plan, self.group, self.tiling = plan, group, plan.tilings[group.index]
        self.inputs = [self._ring(input_ring(group, i), stream) for i, stream in enumerate(self.tiling.inputs)]
        self.output = self._ring(output_ring(group), self.tiling.output)
        self.constants = {
            layer.index: self._ring(constant_ring(layer.index), stream)
            for layer, stream in zip(group.layers, self.tiling.constants, strict=True)
        }
        self.chunks = {(c.layer.index, c.channels): c for c in plan.chunks}

    def _ring(self, name: str, stream: Stream) -> _Ring | None:
        return _Ring(self.plan.l1.offsets[name], stream) if stream.slots else None

    def steps(self) -> list[Step]:
        visits = [
            [step for position in range(len(visit)) for step in self._work(number, visit, position)]
            for number, visit in enumerate(self.tiling.visits)
        ]
        if not self.group.fused:
            _start_sooner(visits)
        return [step for visit in visits for step in visit]

    def _work(self, number: int, visit: tuple[Work, ...], position: int) -> Iterator[Step]:
        """The steps of one layer on one tile."""
        work, last = visit[position], position == len(visit) - 1
        early: list[Transfer] = []
        late: list[Transfer] = []
        chunk, base = self._load_constants(work, number + position > 0, early, late)
        outside = next((load for load in late if load.l2.memory == "l3"), None)
        fetch = Fetch(outside.l2.offset, 0, outside.bytes) if outside else None
        inside = [self._between(before) for before in visit[max(position - 1, 0) : position]]
        x = inside or self._load_inputs(work, early if number else late)
        y, store = self._output(work, number) if last else (self._between(work), [])
        temporary = _scratch(self.plan, work.layer)
        for at, call in enumerate(work.calls):
            yield Step(
                work.layer,
                work.tile,
                call,
                tuple(x[i] for i in call.inputs),
                y,
                tuple(Pointer("l1", base + offset) for offset, _ in chunk.arrays[at]) if chunk else (),
                temporary,
                tuple(early) if at == 0 else (),
                tuple(late) if at == 0 else (),
                tuple(store) if at == len(work.calls) - 1 else (),
                fetch=fetch if at == 0 else None,
            )

    def _load_constants(
        self, work: Work, begun: bool, early: list[Transfer], late: list[Transfer]
    ) -> tuple[Chunk | None, int]:
        ring = self.constants[work.layer.index]
        if ring is None:
            return None, 0
        chunk = self.chunks[work.layer.index, work.channels]
        if ring.take(work.channels):
            load = Transfer(ring.offset, Pointer("l3" if chunk.in_l3 else "constants", chunk.offset), chunk.size)
            soon = begun or prefetched(self.plan.l1, self.group)
            (early if soon and not chunk.in_l3 else late).append(load)
        return chunk, ring.offset

    def _load_inputs(self, work: Work, loads: list[Transfer]) -> list[Pointer]:
        pointers = []
        for ring, name, region in zip(self.inputs, work.layer.node.inputs, work.tile.inputs, strict=True):
            if ring is None:
                pointers.append(_part(self.plan.pointer(name), region))
                continue
            if ring.take(region.ranges):
                loads.append(_transfer(ring.offset, self.plan.outside(name), region))
            pointers.append(Pointer("l1", ring.offset))
        return pointers

    def _between(self, work: Work) -> Pointer:
        return Pointer("l1", self.plan.l1.offsets[between(work.layer.index)])

    def _output(self, work: Work, number: int) -> tuple[Pointer, list[Transfer]]:
        region, name = work.tile.output, work.layer.node.output
        if self.output is None:
            return _part(self.plan.pointer(name), region), []
        self.output.take(number)
        return Pointer("l1", self.output.offset), [_transfer(self.output.offset, self.plan.outside(name), region)]


def _start_sooner(visits: list[list[Step]]) -> None:
    """Where a tile takes several calls, loads for the next tile start with the first of them, not with the last."""
    for now, following in pairwise(visits):
        if len(now) > 1:
            now[1] = replace(now[1], early=(*now[1].early, *following[0].early))
            following[0] = replace(following[0], early=())


def _part(pointer: Pointer, region: Region) -> Pointer:
    return replace(pointer, offset=pointer.offset + region.offset)


def _transfer(l1: int, tensor: Pointer, region: Region) -> Transfer:
    return Transfer(l1, _part(tensor, region), *region.lines)


def _with_slots(plan: ClusterPlan, steps: Sequence[Step]) -> Iterator[Step]:
    """Steps that load from L3, with the slot of L2 that the piece has been fetched to."""
    turn = 0
    for step in steps:
        if step.fetch is not None:
            slot = plan.l2.offsets[l3_slot(turn)]
            turn += 1
            step = replace(
                step,
                late=tuple(replace(t, l2=Pointer("arena", slot)) if t.l2.memory == "l3" else t for t in step.late),
                fetch=replace(step.fetch, l2=slot),
            )
        yield step
