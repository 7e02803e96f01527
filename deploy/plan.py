"""Layers -> plan for a board with one core: an address for every tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.boards import Board
from deploy.kernels import KERNELS
from deploy.kernels.base import Kernel
from deploy.layers import Layer, Lowered, lower
from deploy.memory import Arena, Buffer, aligned
from deploy.memory import plan as plan_memory
from deploy.needed import Needed
from deploy.placement import FLASH, Placement
from deploy.state import in_place
from quant.errors import Problem, UserError
from quant.graph import Graph, Tensor


@dataclass(frozen=True)
class Plan(Lowered):
    """Everything the C project of a board with one core is written from.

    Attributes:
        placement: what start-up code copies to RAM.
    """

    arena: Arena
    placement: Placement

    def offset(self, tensor: str) -> int:
        """Byte offset of a tensor in the arena."""
        return self.arena.offsets[self.storage[tensor]]

    def scratch_offset(self, layer: Layer) -> int:
        return self.arena.offsets[_scratch(layer.index)]


def make_plan(graph: Graph, board: Board, kernels: Sequence[Kernel] = KERNELS, placement: Placement = FLASH) -> Plan:
    """Choose layouts, kernels and addresses.

    Raises:
        UserError: as :func:`lower`, or an arena larger than the board's RAM.
    """
    low = lower(graph, board, kernels)
    arena, storage = _place(low.need, low.layers, in_place(low))
    placement = placement if board.rams else FLASH
    plan = Plan(low.graph, board, low.layers, low.layouts, storage, low.need, arena, placement)
    problems = [problem for check in (_ram_problem, _flash_problem) if (problem := check(plan)) is not None]
    if problems:
        raise UserError(problems)
    return plan


def _scratch(index: int) -> str:
    return f"scratch of layer {index}"


def _place(need: Needed, layers: Sequence[Layer], storage: dict[str, str]) -> tuple[Arena, dict[str, str]]:
    """Addresses, with and without outputs taking their inputs' place, whichever needs less memory."""
    shared = dict(storage)
    for layer in layers:
        host = _takes_place_of(need.graph, layers, layer, shared)
        if host is not None:
            target = shared[layer.node.output]
            shared = {name: host if base == target else base for name, base in shared.items()}
    plans = [(plan_memory(_buffers(need, layers, s)), s) for s in (shared, storage)]
    return min(plans, key=lambda entry: entry[0].size)


def _takes_place_of(graph: Graph, layers: Sequence[Layer], layer: Layer, storage: dict[str, str]) -> str | None:
    spans = _spans(graph, layers, storage)
    for position in layer.kernel.inplace(layer.site):
        base = storage[layer.node.inputs[position]]
        if spans[base][1] == layer.index + 1 and base != storage[layer.node.output]:
            return base
    return None


def _spans(graph: Graph, layers: Sequence[Layer], storage: dict[str, str]) -> dict[str, tuple[int, int]]:
    """First and last step of every stored tensor: step 0 copies inputs in, i + 1 is layer i, the last copies out."""
    last_step = len(layers) + 1
    uses: dict[str, list[int]] = {storage[tensor.name]: [0] for tensor in graph.inputs}
    uses |= {storage[state.input]: [0, last_step] for state in graph.states}
    for layer in layers:
        for name in (*layer.node.inputs, layer.node.output):
            uses.setdefault(storage[name], []).append(layer.index + 1)
    for tensor in graph.outputs:
        uses[storage[tensor.name]].append(last_step)
    return {name: (min(steps), max(steps)) for name, steps in uses.items()}


def _buffers(need: Needed, layers: Sequence[Layer], storage: dict[str, str]) -> list[Buffer]:
    members: dict[str, list[Tensor]] = {}
    for name, base in storage.items():
        members.setdefault(base, []).append(need.tensor(name))
    spans = _spans(need.graph, layers, storage)
    buffers = [Buffer(base, max(t.nbytes for t in members[base]), *spans[base]) for base in spans]
    for layer in layers:
        if layer.scratch_bytes:
            buffers.append(Buffer(_scratch(layer.index), layer.scratch_bytes, layer.index + 1, layer.index + 1))
    return buffers


def _ram_problem(plan: Plan) -> Problem | None:
    """Arena, placed constants and the runtime's input, output and self-test buffers share the board's first RAM."""
    if not plan.board.rams:
        return None
    rams = plan.board.data_rams
    name, there = ", ".join(ram.name for ram in rams), sum(ram.bytes for ram in rams)
    buffers = sum(t.nbytes for t in plan.graph.inputs) + 2 * sum(t.nbytes for t in plan.graph.outputs)
    placed = sum(ly.constant_bytes for ly in plan.layers if plan.placement.holds_constants(ly.node.name))
    short = plan.arena.size + placed + aligned(buffers) + aligned(1) - there
    if short <= 0:
        return None
    if placed >= short:
        what = f"constants in RAM take {placed} bytes, arena and buffers {plan.arena.size + buffers}: {short} too many"
        fix = "place them in flash (--placement flash), or let EdgeKit choose (--placement auto)"
        return Problem(what, f"board '{plan.board.name}', {name}", f"{there} bytes of RAM", fix)
    layer = plan.layers[min(max(plan.arena.peak_step - 1, 0), len(plan.layers) - 1)]
    return Problem(
        f"its arena needs {plan.arena.size} bytes at layer '{layer.node.name}', input and output {buffers} more: "
        f"{short} bytes too many",
        f"board '{plan.board.name}', {name}",
        f"{there} bytes of RAM",
        "use fewer channels or shorter inputs around this layer, or a board with more RAM",
    )


def _flash_problem(plan: Plan) -> Problem | None:
    """Constants alone must fit the flash; the linker checks the rest."""
    if plan.board.target == "host":
        return None
    short = plan.constant_bytes - plan.board.flash.bytes
    if short <= 0:
        return None
    largest = max(plan.layers, key=lambda layer: layer.constant_bytes)
    return Problem(
        f"its constants need {plan.constant_bytes} bytes, {short} too many; layer '{largest.node.name}' alone needs "
        f"{largest.constant_bytes}",
        f"board '{plan.board.name}', {plan.board.flash.name}",
        f"{plan.board.flash.bytes} bytes of flash",
        "use fewer weights in this layer, or a board with more flash",
    )
