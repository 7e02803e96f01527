"""Builds for boards with one core, this computer included: plan, C project, image, sizes."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from deploy import features, nvm, project
from deploy.boards import Board
from deploy.codegen import code_in_ram, identifier, layer_functions
from deploy.compilers import cortex_compiler, host_compiler
from deploy.elf import read_elf
from deploy.facts import entry_facts, layer_facts, model_facts, state_facts, tensor_facts
from deploy.layers import Layer
from deploy.pieces import Piece
from deploy.placement import Placement
from deploy.plan import Plan, make_plan
from deploy.stack import worst_case_stack
from quant.errors import Problem, UserError
from quant.graph import Graph, Tensor

PROVISIONAL_STACK = 8  # the first image is only read: it must fit wherever the second one does


@dataclass(frozen=True)
class Sizes:
    """Bytes on the board.

    ``ram`` holds arena, stack and everything else; ``weights`` are part of ``flash``; ``placed`` are constants and code
    that start-up copies from flash to RAM, part of both.
    """

    flash: int
    ram: int
    arena: int
    stack: int
    weights: int
    placed: int


def write_one_core(
    graph: Graph, board: Board, folder: Path, compiler: str, placement: Placement
) -> tuple[Plan, dict[str, Any]]:
    """Write and compile the project below ``folder``; the plan, and what goes into build.json.

    Raises:
        UserError: the model does not fit, or the compiler failed.
    """
    plan = make_plan(graph, board, placement=placement)
    project.write_project(plan, folder, PROVISIONAL_STACK)
    sizes = _compile_host(plan, folder) if board.target == "host" else _compile_cortex(plan, folder, compiler)
    return plan, _facts(plan, sizes, folder, compiler)


def _compile_host(plan: Plan, folder: Path) -> Sizes:
    compiler = host_compiler()
    includes = project.include_flags(folder)
    compiler.compile(project.sources(plan, folder), folder / "model", *includes)
    compiler.compile(
        project.sources(plan, folder, command=False), folder / "libmodel.so", "-shared", "-fPIC", *includes
    )
    return Sizes((folder / "libmodel.so").stat().st_size, plan.arena.size, plan.arena.size, 0, plan.weight_bytes, 0)


def _compile_cortex(plan: Plan, folder: Path, compiler_name: str) -> Sizes:
    """Link twice: the first image tells how deep its stack can get, the second reserves exactly that."""
    board, elf = plan.board, folder / "firmware.elf"
    compiler = cortex_compiler(board.core, compiler_name)
    arguments = [*project.include_flags(folder), f"-Wl,-T,{folder / 'board' / 'link.ld'}"]
    compiler.compile(project.sources(plan, folder), elf, *arguments)
    stack = worst_case_stack(read_elf(elf)).bytes
    _check_stack(plan, stack)
    project.write_stack(folder, stack)
    compiler.compile(project.sources(plan, folder), elf, *arguments)
    image = read_elf(elf)
    (folder / "firmware.bin").write_bytes(image.flash_image(board))
    measured = image.sizes(board)
    arena = image.symbol(f"{identifier(plan.graph.name)}_arena").size
    code = image.symbol("__ram_code_end").address - image.symbol("__ram_code_start").address
    placed = code + sum(ly.constant_bytes for ly in plan.layers if plan.placement.holds_constants(ly.node.name))
    return Sizes(measured.flash, measured.ram, arena, measured.stack, plan.weight_bytes, placed)


def _check_stack(plan: Plan, stack: int) -> None:
    ram = plan.board.stack_ram
    if stack > ram.bytes:
        what = f"the worst-case stack is {stack} bytes, {stack - ram.bytes} more than there are"
        fix = "report the model: no kernel keeps tensors on the stack"
        raise UserError(Problem(what, f"board '{plan.board.name}', {ram.name}", f"{ram.bytes} bytes", fix))


def _facts(plan: Plan, sizes: Sizes, folder: Path, compiler: str) -> dict[str, Any]:
    """``build.json``: what the emulator and the reports need to know about the image."""
    functions, image = layer_functions(plan), folder / "firmware.bin"
    return {
        **model_facts(plan, compiler),
        "front_end": features.facts(plan.graph, plan.board, identifier(plan.graph.name)),
        "sha256": hashlib.sha256(image.read_bytes()).hexdigest() if image.exists() else None,
        "bytes": asdict(sizes),
        "arena_bound": plan.arena.bound,
        "timeline": _timeline(plan),
        "code_in_ram": [name for name in dict.fromkeys(chain(*functions.values())) if code_in_ram(plan, name)],
        "inputs": [_tensor(plan, t) for t in plan.graph.inputs],
        "outputs": [_tensor(plan, t) for t in plan.graph.outputs],
        "entries": entry_facts(plan, partial(_tensor, plan)),
        "states": state_facts(plan, partial(_tensor, plan)),
        "nvm": nvm.facts(plan.graph, plan.board),
        "layers": [_layer(plan, layer, functions[layer.node.name]) for layer in plan.layers],
    }


def _layer(plan: Plan, layer: Layer, functions: list[str]) -> dict[str, Any]:
    """A layer with its tiles; ``tile_boxes``: where each one lies while it exists, if the output never exists whole."""
    run, pieces, tensor = plan.run_of(layer), plan.pieces(layer), layer.site.output
    stored = layer is run.group.last
    return {
        **layer_facts(plan, layer),
        "executed_macs": plan.executed(layer),
        "scratch_bytes": plan.scratch_bytes(layer),
        "live_bytes": plan.arena.live_bytes(layer.index + 1),
        "functions": functions,
        "constants": "ram" if plan.placement.holds_constants(layer.node.name) else "flash",
        "tiles": len(pieces),
        "cut": [*run.counts, 1],
        "fused_with": [other.node.name for other in run.group.layers if other is not layer],
        "steps": len(pieces),
        "output": _tensor(plan, tensor) if stored else tensor_facts(plan, tensor),
        "tile_boxes": [] if stored else [_box(plan, step, piece) for step, piece in enumerate(pieces)],
    }


def _box(plan: Plan, step: int, piece: Piece) -> dict[str, Any]:
    """A tile that is gone when the next one comes: behind which call of the layer it lies where, what part it is."""
    region = piece.region
    assert region is not None
    offset = plan.offset(piece.layer.node.output)
    size, ranges = list(region.stored(region.size)), [list(bounds) for bounds in region.stored(region.ranges)]
    return {"step": step, "offset": offset, "size": size, "ranges": ranges}


def _timeline(plan: Plan) -> dict[str, Any]:
    """Every buffer of the arena: where it lies, and from which step to which it is live."""
    tensors, tiles = set(plan.storage.values()), {name for run in plan.runs for name in run.passing}
    kinds = {name: "tile" if name in tiles else "tensor" for name in tensors}
    return {
        "arena_bytes": plan.arena.size,
        "steps": ["input", *(layer.node.name for layer in plan.layers), "output"],
        "buffers": [
            {
                "name": buffer.name,
                "kind": kinds.get(buffer.name, "scratch"),
                "offset": plan.arena.offsets[buffer.name],
                "bytes": buffer.size,
                "first": buffer.first,
                "last": buffer.last,
            }
            for buffer in plan.arena.buffers
        ],
    }


def _tensor(plan: Plan, tensor: Tensor) -> dict[str, Any]:
    return {**tensor_facts(plan, tensor), "offset": plan.offset(tensor.name)}
