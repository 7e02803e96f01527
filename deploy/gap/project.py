"""Plan -> folder with a C project for a cluster: the model, its kernels, and the runtime in all its forms."""

from __future__ import annotations

import shutil
from pathlib import Path
from string import Template

from deploy import features, interface, status
from deploy.codegen import calls, identifier, provenance
from deploy.compilers import COMMON, FREESTANDING, GCC_CLUSTER, GCC_CLUSTER_FLOAT, ZIG_CLUSTER, ZIG_CLUSTER_FLOAT
from deploy.gap import codegen
from deploy.gap import features as cluster_features
from deploy.gap.plan import STACK_BYTES, ClusterPlan
from deploy.gap.steps import Step
from deploy.paths import edgekit_version, firmware_root
from deploy.project import FEATURES, copy_kernels, copy_with_includes

MODEL = ("model.c", "model_selftest.c")
CONTROLLER_STACK_BYTES = 2_048  # the controller only hands over and compares


def write_cluster_project(plan: ClusterPlan, steps: list[Step], folder: Path) -> None:
    """Write every source and build file below ``folder`` (which must exist)."""
    root = firmware_root()
    (folder / "src").mkdir()
    prefix, front = identifier(plan.graph.name), features.on_board(plan.graph, plan.board)
    arenas = {"ARENA": plan.l2.size, "L1": plan.l1_bytes}
    texts = {
        "model.h": interface.header(plan, arenas, features.declarations(front, prefix) if front else []),
        "model.c": codegen.source(plan, steps),
        "model_constants.h": codegen.constants(plan),
        "model_selftest.c": interface.selftest(plan),
        "ek_model.h": interface.adapter(plan),
        "ek_config.h": _config(plan),
    }
    if front:
        heading = provenance(plan, "Front end")
        texts[FEATURES] = cluster_features.source(front, prefix, heading, plan.board)
        copy_with_includes(root, Path(features.HEADER), folder)
    for name, text in texts.items():
        (folder / "src" / name).write_text(text, encoding="utf-8")
    copy_kernels((layer.kernel.header for layer in plan.layers), folder / "kernels")
    copy_kernels(["xpulpv2/team.h", *([status.HEADER] if status.reports(plan.graph) else [])], folder / "kernels")
    shutil.copytree(root / "runtime" / "gap", folder / "runtime")
    if plan.l3_bytes:
        (folder / "l3.bin").write_bytes(codegen.l3_image(plan))
    values = _template_values(plan)
    for template in sorted((*(root / "project" / "gap").iterdir(), *(folder / "runtime").rglob("*.in"))):
        inside = folder in template.parents
        target = (template.parent if inside else folder) / template.name.removesuffix(".in")
        target.write_text(Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
        if inside:
            template.unlink()


def bare_sources(folder: Path) -> list[Path]:
    """C files of the bare-metal program."""
    return [
        *_model(folder),
        *sorted((folder / "runtime").glob("*.c")),
        *sorted((folder / "runtime" / "bare").glob("*.c")),
    ]


def bare_includes(folder: Path) -> list[str]:
    return [f"-I{folder / name}" for name in ("src", ".", "runtime", "runtime/bare")]


def host_sources(folder: Path) -> list[Path]:
    """C files of the application for this computer: PMSIS on threads."""
    runtime = folder / "runtime"
    return [
        *_model(folder),
        *(path for part in (".", "pmsis", "shim") for path in sorted((runtime / part).glob("*.c"))),
    ]


def host_includes(folder: Path) -> list[str]:
    return [f"-I{folder / name}" for name in ("src", ".", "runtime", "runtime/pmsis", "runtime/shim")]


def _model(folder: Path) -> list[Path]:
    return [path for name in (*MODEL, FEATURES) if (path := folder / "src" / name).exists()]


def _config(plan: ClusterPlan) -> str:
    cluster = plan.board.cluster
    assert cluster is not None
    return (
        provenance(plan, "Sizes of the cluster")
        + "#ifndef EK_CONFIG_H\n#define EK_CONFIG_H\n\n"
        + f"#define EK_CORES {cluster.cores}\n#define EK_CORE_STACK_BYTES {STACK_BYTES}\n"
        + f"#define EK_CLUSTER_HZ {plan.board.clock_hz}u\n#define EK_CONTROLLER_HZ {plan.board.clock_hz}u\n"
        + f"#define EK_L3_BYTES {plan.l3_bytes}u\n"
        + f"#define EK_INPUT_IN_ARENA {int(codegen.input_in_arena(plan))}\n\n#endif\n"
    )


def _template_values(plan: ClusterPlan) -> dict[str, str]:
    board, graph, cluster = plan.board, plan.graph, plan.board.cluster
    assert cluster is not None
    prefix, front = identifier(graph.name), features.on_board(graph, board)
    return {
        "model": graph.name,
        "prefix": prefix,
        "upper": prefix.upper(),
        **calls(graph),
        "front_end": features.readme(graph, board, prefix),
        "board": board.name,
        "board_title": board.title,
        "version": edgekit_version(),
        "input_bytes": str(sum(t.nbytes for t in graph.inputs)),
        "output_bytes": str(sum(t.nbytes for t in graph.outputs)),
        "common": " ".join(COMMON),
        "freestanding": " ".join(FREESTANDING),
        "model_sources": " ".join(f"src/{name}" for name in (*MODEL, *([FEATURES] if front else []))),
        "zig_target": " ".join(ZIG_CLUSTER_FLOAT if front else ZIG_CLUSTER),
        "gcc_target": " ".join(GCC_CLUSTER_FLOAT if front else GCC_CLUSTER),
        "cores": str(cluster.cores),
        "core_stack_bytes": str(STACK_BYTES),
        "stack_bytes": str(CONTROLLER_STACK_BYTES),
        "l1_bytes": str(cluster.l1.bytes),
        "l2_bytes": str(board.rams[0].bytes),
        "l1_arena_bytes": str(plan.l1_bytes),
        "l2_arena_bytes": str(plan.l2.size),
    }
