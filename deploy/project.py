"""Plan -> folder with a C project that stands alone: sources, kernels, runtime, board support, build files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from string import Template

from deploy import codegen, features, interface, nvm, status
from deploy.compilers import COMMON, FREESTANDING, GCC_CORTEX, ZIG_CORTEX
from deploy.paths import edgekit_version, firmware_root
from deploy.plan import Plan

FEATURES = "features.c"
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


def write_project(plan: Plan, folder: Path, stack_bytes: int) -> None:
    """Write every source and build file below ``folder`` (which must exist)."""
    root = firmware_root()
    source = folder / "src"
    source.mkdir()
    prefix = codegen.identifier(plan.graph.name)
    front = features.on_board(plan.graph, plan.board)
    declarations = [*interface.layer_declarations(plan), *(features.declarations(front, prefix) if front else [])]
    texts = {
        "model.h": interface.header(plan, {"ARENA": plan.arena.size}, declarations),
        "model.c": codegen.source(plan),
        "model_weights.h": codegen.weights(plan),
        "model_selftest.c": interface.selftest(plan),
        "ek_model.h": interface.adapter(plan, 0 if plan.graph.states else plan.arena.size),  # states stay
    }
    if front:
        texts[FEATURES] = features.source(front, prefix, codegen.provenance(plan, "Front end"), plan.board.core)
        copy_with_includes(root, Path(features.HEADER), folder)
    for name, text in texts.items():
        (source / name).write_text(text, encoding="utf-8")
    headers = {layer.kernel.header for layer in plan.layers}
    copy_kernels(headers | ({status.HEADER} if status.reports(plan.graph) else set()), folder / "kernels")
    (folder / "runtime").mkdir()
    if plan.board.target == "host":
        shutil.copy(root / "runtime" / "host.c", folder / "runtime")
    else:
        for name in ("main.c", "startup.c", "ek_board.h", "stm32.h"):
            shutil.copy(root / "runtime" / name, folder / "runtime")
        shutil.copytree(root / "boards" / plan.board.name, folder / "board")
        nvm.write(plan, folder)
        write_stack(folder, stack_bytes)
    values = _template_values(plan)
    for template in sorted((root / "project" / plan.board.target).iterdir()):
        text = Template(template.read_text(encoding="utf-8")).substitute(values)
        (folder / template.name.removesuffix(".in")).write_text(text, encoding="utf-8")


def write_stack(folder: Path, stack_bytes: int) -> None:
    """The stack's reserve, which the build computes from the linked image."""
    text = f"/* Worst-case stack, computed from the linked image by EdgeKit. */\n#define EK_STACK_BYTES {stack_bytes}\n"
    (folder / "src" / "ek_stack.h").write_text(text, encoding="utf-8")


def sources(plan: Plan, folder: Path, *, command: bool = True) -> list[Path]:
    """C files to compile; without ``command`` only the model itself (for a library)."""
    model = [folder / "src" / name for name in model_sources(plan)]
    if not command:
        return model
    if plan.board.target == "host":
        return [*model, folder / "runtime" / "host.c"]
    return [*model, *sorted((folder / "runtime").glob("*.c")), *sorted((folder / "board").glob("*.c"))]


def model_sources(plan: Plan) -> list[str]:
    """C files of the model itself, in ``src``."""
    front = features.on_board(plan.graph, plan.board)
    saved = nvm.saves(plan.graph, plan.board)
    return ["model.c", "model_selftest.c", *([FEATURES] if front else []), *([nvm.SOURCE] if saved else [])]


def include_flags(folder: Path) -> list[str]:
    return [f"-I{folder / name}" for name in ("src", ".", "runtime")]


def copy_kernels(headers: Iterable[str], target: Path) -> None:
    """Kernel headers and whatever they include."""
    for header in sorted(set(headers)):
        copy_with_includes(firmware_root() / "kernels", Path(header), target)


def copy_with_includes(root: Path, header: Path, target: Path) -> None:
    """Copy a header and, recursively, the headers it includes, keeping their places."""
    destination = target / header
    if destination.exists():
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / header, destination)
    for name in INCLUDE.findall((root / header).read_text(encoding="utf-8")):
        included = (root / header.parent / name).resolve().relative_to(root.resolve())
        copy_with_includes(root, included, target)


def _template_values(plan: Plan) -> dict[str, str]:
    board, graph = plan.board, plan.graph
    prefix = codegen.identifier(graph.name)
    cortex = board.target == "cortex-m"
    return {
        "model": graph.name,
        "prefix": prefix,
        "upper": prefix.upper(),
        **codegen.calls(graph),
        "nvm": nvm.readme(graph, board),
        "front_end": features.readme(graph, board, prefix),
        "board": board.name,
        "board_title": board.title,
        "version": edgekit_version(),
        "model_sources": " ".join(f"src/{name}" for name in model_sources(plan)),
        "input_bytes": str(sum(t.nbytes for t in graph.inputs)),
        "output_bytes": str(sum(t.nbytes for t in graph.outputs)),
        "arena_bytes": str(plan.arena.size),
        "common": " ".join((*COMMON, *(FREESTANDING if cortex else ()))),
        "zig_target": " ".join(ZIG_CORTEX[board.core]) if cortex else "",
        "gcc_target": " ".join(GCC_CORTEX[board.core]) if cortex else "",
    }
