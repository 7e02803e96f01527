"""Builds for boards with a cluster: plan, C project, bare-metal image, sizes."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from deploy import features, nvm
from deploy.boards import Board
from deploy.codegen import identifier
from deploy.compilers import cluster_compiler
from deploy.elf import Image, read_elf
from deploy.facts import entry_facts, layer_facts, model_facts, state_facts, tensor_facts
from deploy.gap.codegen import geometry_sequence, input_in_arena, record_tables
from deploy.gap.plan import ClusterPlan, make_cluster_plan
from deploy.gap.project import bare_includes, bare_sources, write_cluster_project
from deploy.gap.schedule import make_steps, moved
from deploy.gap.steps import Pointer, Step
from deploy.layers import Layer
from quant.graph import Graph, Tensor


def write_cluster(
    graph: Graph, board: Board, folder: Path, compiler: str, memory: int | None = None
) -> tuple[ClusterPlan, dict[str, Any]]:
    """Write and compile the project below ``folder``; the plan, and what goes into build.json.

    Args:
        memory: as :func:`deploy.gap.plan.make_cluster_plan`.

    Raises:
        UserError: the model does not fit, or the compiler failed.
    """
    plan = make_cluster_plan(graph, board, memory=memory)
    steps = make_steps(plan)
    write_cluster_project(plan, steps, folder)
    elf, script = folder / "firmware.elf", folder / "runtime" / "bare" / "link.ld"
    floating_point = features.on_board(graph, board) is not None
    cluster_compiler(compiler, floating_point).compile(
        bare_sources(folder), elf, *bare_includes(folder), f"-Wl,-T,{script}"
    )
    return plan, _facts(plan, steps, read_elf(elf, "EM_RISCV"), compiler)


def _facts(plan: ClusterPlan, steps: list[Step], image: Image, compiler: str) -> dict[str, Any]:
    return {
        **model_facts(plan, compiler),
        "front_end": features.facts(plan.graph, plan.board, identifier(plan.graph.name)),
        "sha256": hashlib.sha256(image.path.read_bytes()).hexdigest(),
        "bytes": _sizes(plan, image),
        "table_bytes": _table_bytes(plan, steps, image),
        "timeline": _timeline(plan),
        "inputs": [_border(plan, t) for t in plan.graph.inputs],
        "outputs": [_border(plan, t) for t in plan.graph.outputs],
        "entries": entry_facts(plan, partial(_border, plan)),
        "states": state_facts(plan, partial(_border, plan)),
        "nvm": nvm.facts(plan.graph, plan.board),
        "layers": [_layer(plan, steps, layer) for layer in plan.layers],
    }


def _border(plan: ClusterPlan, tensor: Tensor) -> dict[str, Any]:
    """A tensor that callers see, or a state: in L2."""
    return _tensor(plan, tensor, plan.outside(tensor.name))


def _sizes(plan: ClusterPlan, image: Image) -> dict[str, int]:
    """Bytes by part of each memory."""
    cluster, l2 = plan.board.cluster, plan.board.rams[0]
    assert cluster is not None
    in_l2 = sum(section.size for section in image.sections if section.address in l2)
    stack = image.symbol("__stack_top").address - l2.start
    own = ("ek_output_buffer",) if input_in_arena(plan) else ("ek_input_buffer", "ek_output_buffer")
    buffers = sum(image.symbol(name).size for name in own)
    return {
        "l1_arena": plan.l1_bytes,
        "l1_stacks": image.symbol("__l1_arena").address - cluster.l1.start,
        "l2_arena": plan.l2.size,
        "l2_constants": plan.l2_constant_bytes,
        "l2_code": in_l2 - stack - buffers - plan.l2.size - plan.l2_constant_bytes,
        "l2_stack": stack + buffers,
        "l3_constants": plan.l3_bytes,
        "weights": plan.weight_bytes,
    }


def _table_bytes(plan: ClusterPlan, steps: list[Step], image: Image) -> int:
    """Bytes of the tables of steps that the DMA moves into L1: records, and their geometries."""
    tables = sum(image.symbol(name).size for name in record_tables(plan, steps))
    return tables + sum(image.symbol(name).size for name in geometry_sequence(steps))


def _layer(plan: ClusterPlan, steps: list[Step], layer: Layer) -> dict[str, Any]:
    """A layer with its tiles; ``tile_boxes``: where each one lies while it exists, if the output never exists whole."""
    own = [step for step in steps if step.layer.index == layer.index]
    group = next(group for group in plan.groups if layer in group.layers)
    tiling = plan.tilings[group.index]
    into, out = moved(steps, layer)
    chunks = [chunk for chunk in plan.chunks if chunk.layer is layer]
    stored = layer is group.last
    tensor = layer.site.output
    return {
        **layer_facts(plan, layer),
        "constants": "L3" if any(chunk.in_l3 for chunk in chunks) else "L2" if chunks else "-",
        "tiles": max(len(tiling.visits), 1),
        "cut": list(tiling.counts),
        "fused_with": [other.node.name for other in group.layers if other is not layer],
        "dma_in_bytes": into,
        "dma_out_bytes": out,
        "steps": len(own),
        "output": _tensor(plan, tensor, plan.pointer(tensor.name)) if stored else {**tensor_facts(plan, tensor)},
        "tile_boxes": [] if stored else [_box(own, at) for at, step in enumerate(own) if step is _last(own, step)],
    }


def _last(own: list[Step], step: Step) -> Step:
    """The step that completes the tile."""
    return [other for other in own if other.tile is step.tile][-1]


def _box(own: list[Step], at: int) -> dict[str, Any]:
    """A tile that never leaves L1: behind which of the layer's steps it lies where, and what part it is.

    Axes are in storage order.
    """
    tile = own[at].tile
    assert tile is not None
    region = tile.output
    size, ranges = list(region.stored(region.size)), [list(bounds) for bounds in region.stored(region.ranges)]
    return {"step": at, "offset": own[at].y.offset, "size": size, "ranges": ranges}


def _timeline(plan: ClusterPlan) -> dict[str, Any]:
    """Every buffer of the arena in L2: where it lies, and from which step to which it is alive."""
    return {
        "arena_bytes": plan.l2.size,
        "steps": ["input", *(" + ".join(layer.node.name for layer in g.layers) for g in plan.groups), "output"],
        "buffers": [
            {
                "name": buffer.name,
                "kind": "tensor",
                "offset": plan.l2.offsets[buffer.name],
                "bytes": buffer.size,
                "first": buffer.first,
                "last": buffer.last,
            }
            for buffer in plan.l2.buffers
        ],
    }


def _tensor(plan: ClusterPlan, tensor: Tensor, at: Pointer) -> dict[str, Any]:
    return {**tensor_facts(plan, tensor), "memory": at.memory, "offset": at.offset}
