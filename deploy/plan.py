"""Layers -> plan for a board with one core: tiles, and an address for every tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deploy import features
from deploy.boards import Board
from deploy.depthfirst import choose_tiles
from deploy.kernels import KERNELS
from deploy.kernels.base import Kernel
from deploy.layers import Layer, Lowered, lower
from deploy.lifetimes import place, scratch_name
from deploy.memory import Arena, aligned
from deploy.pieces import Piece, Tiled
from deploy.placement import FLASH, Placement
from deploy.state import in_place
from quant.errors import Problem, UserError
from quant.graph import Graph

STACK_BYTES = 1_024  # kept free for the stack where it shares the arena's RAM; the linker knows what it really needs


@dataclass(frozen=True)
class Plan(Lowered):
    """Everything the C project of a board with one core is written from.

    Attributes:
        runs: the layers in the order of execution, in groups and tiles.
        placement: what start-up code copies to RAM.
    """

    runs: tuple[Tiled, ...]
    arena: Arena
    placement: Placement

    @property
    def executed_macs(self) -> int:
        return sum(map(self.executed, self.layers))

    def executed(self, layer: Layer) -> int:
        """MACs that all tiles of a layer execute; what tiles share counts for each of them."""
        return sum(layer.kernel.executed_macs(piece.site) for piece in self.pieces(layer))

    def run_of(self, layer: Layer) -> Tiled:
        """The group that a layer belongs to."""
        return next(run for run in self.runs if layer in run.group.layers)

    def pieces(self, layer: Layer) -> list[Piece]:
        """What a layer's function computes at each of its calls."""
        run = self.run_of(layer)
        return run.pieces(run.group.layers.index(layer))

    def scratch_bytes(self, layer: Layer) -> int:
        """Working memory of a layer's largest tile."""
        run = self.run_of(layer)
        return run.scratch[run.group.layers.index(layer)]

    def offset(self, tensor: str) -> int:
        """Byte offset in the arena of a tensor, or of its tiles where it is never stored whole."""
        return self.arena.offsets[self.storage[tensor]]

    def scratch_offset(self, layer: Layer) -> int:
        return self.arena.offsets[scratch_name(layer)]


def make_plan(
    graph: Graph,
    board: Board,
    kernels: Sequence[Kernel] = KERNELS,
    placement: Placement = FLASH,
    cut: Callable[[Lowered, int | None], tuple[Tiled, ...]] = choose_tiles,
) -> Plan:
    """Choose layouts, kernels, tiles and addresses.

    Args:
        cut: the groups and tiles for the bytes that the arena may have.

    Raises:
        UserError: as :func:`lower`, or an arena larger than the board's RAM.
    """
    low = lower(graph, board, kernels)
    low = replace(low, storage=in_place(low))
    placement = placement if board.rams else FLASH
    runs = cut(low, _room(low, placement))
    arena, storage = place(low, runs)
    arena = _with_samples(arena, low)
    plan = Plan(low.graph, board, low.layers, low.layouts, storage, low.need, runs, arena, placement)
    problems = [problem for check in (_ram_problem, _flash_problem) if (problem := check(plan)) is not None]
    if problems:
        raise UserError(problems)
    return plan


def _room(low: Lowered, placement: Placement) -> int | None:
    """Bytes of RAM that placed constants and the runtime's input, output and self-test buffers leave to the arena."""
    if not low.board.rams:
        return None
    there = sum(ram.bytes for ram in low.board.data_rams)
    if low.board.stack_ram in low.board.data_rams:
        there -= STACK_BYTES
    return there - _placed(low, placement) - aligned(_buffer_bytes(low)) - aligned(1)


def _placed(low: Lowered, placement: Placement) -> int:
    return sum(ly.constant_bytes for ly in low.layers if placement.holds_constants(ly.node.name))


def _with_samples(arena: Arena, low: Lowered) -> Arena:
    """The arena with room for a window of samples, which is gone when the first layer begins; states stay, so that
    beside them samples lie elsewhere."""
    front = features.on_board(low.graph, low.board)
    if front is None or low.graph.states:
        return arena
    needed = aligned(features.sample_bytes(front))
    return replace(arena, size=max(arena.size, needed), bound=max(arena.bound, needed))


def _buffer_bytes(low: Lowered) -> int:
    """Bytes of the runtime's input, output and self-test buffers, and of what the front end needs beside the arena."""
    given, expected = runtime_bytes(low.graph)
    front = features.on_board(low.graph, low.board)
    if front is None:
        return given + 2 * expected
    samples = features.sample_bytes(front) if low.graph.states else 0
    return given + 2 * expected + features.scratch_bytes(front) + samples


def runtime_bytes(graph: Graph) -> tuple[int, int]:
    """Bytes of all inputs and of all outputs of the entry that has most."""
    sizes = [
        [sum(graph.tensors[name].nbytes for name in names) for names in (entry.inputs, entry.outputs)]
        for entry in graph.entries
    ]
    return max(given for given, _ in sizes), max(expected for _, expected in sizes)


def _ram_problem(plan: Plan) -> Problem | None:
    """Arena, placed constants and the runtime's input, output and self-test buffers share the board's first RAM."""
    if not plan.board.rams:
        return None
    rams = plan.board.data_rams
    name, there = ", ".join(ram.name for ram in rams), sum(ram.bytes for ram in rams)
    buffers, placed = _buffer_bytes(plan), _placed(plan, plan.placement)
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
