"""Model file -> firmware folder: plan, C project, image, facts, all or nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.boards import Board, list_boards, load_board
from deploy.gap.build import write_cluster
from deploy.layers import Lowered
from deploy.one_core import write_one_core
from deploy.paths import board_folder
from deploy.placement import FLASH, Placement
from quant.errors import Problem, UserError
from quant.graph import Graph
from quant.interchange.read import read_model
from quant.interchange.write import save, to_onnx

BUILD_FILE = "build.json"


@dataclass(frozen=True)
class Build:
    """What a build leaves behind; the same facts are in ``build.json``."""

    folder: Path
    plan: Lowered
    facts: dict[str, Any]

    @property
    def elf(self) -> Path:
        return self.folder / "firmware.elf"


def build(
    model: Path,
    board_name: str,
    out: Path,
    *,
    compiler: str = "zig",
    placement: Placement = FLASH,
    memory: int | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Build:
    """Build ``model`` for a board into the folder ``out``.

    Args:
        memory: bytes of tensors, buffers and constants that a board with a cluster may use; no limit without it.

    Raises:
        UserError: the model, the board, the compiler or the folder cannot be used; ``out`` is left as it was.
    """
    board = load_board(board_name)
    refuse_used_folder(out, force)
    progress("reading the model")
    graph = read_model(model)
    return build_graph(
        graph, board, out, compiler=compiler, placement=placement, memory=memory, force=force, progress=progress
    )


def build_graph(
    graph: Graph,
    board: Board,
    out: Path,
    *,
    compiler: str = "zig",
    placement: Placement = FLASH,
    memory: int | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Build:
    """Like :func:`build`, from a graph in memory."""
    refuse_used_folder(out, force)
    refuse_board(board)
    refuse_memory(board, memory)
    progress("choosing kernels and addresses, compiling")
    plan: Lowered
    with _staged(out) as folder:
        if board.cluster:
            plan, facts = write_cluster(graph, board, folder, compiler, memory)
        else:
            plan, facts = write_one_core(graph, board, folder, compiler, placement)
        save(to_onnx(graph), folder / "model.onnx")
        (folder / BUILD_FILE).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return Build(out, plan, facts)


def refuse_board(board: Board) -> None:
    """Raises UserError where there is no start-up code for the board."""

    def able(name: str) -> bool:
        return load_board(name).target in ("host", "gap") or board_folder(name) is not None

    if able(board.name):
        return
    raise UserError(
        Problem("there is no start-up code for it", f"board '{board.name}'", ", ".join(filter(able, list_boards())))
    )


def refuse_memory(board: Board, memory: int | None) -> None:
    """Raises UserError where a budget of memory is given for a board that has no choice."""
    if memory is not None and not board.cluster:
        what, fix = "it has no cluster, whose plan could trade time for memory", "leave out --memory"
        raise UserError(Problem(what, f"board '{board.name}', --memory", "boards with a cluster", fix))


def refuse_used_folder(out: Path, force: bool) -> None:
    """Raises UserError unless ``out`` is absent, an empty folder, or ``force`` is given."""
    if out.is_file():
        raise UserError(Problem("it is a file", f"output folder {out}", fix="choose another --out"))
    if out.is_dir() and any(out.iterdir()) and not force:
        fix = "choose another --out, or --force to overwrite the files of an earlier build in it"
        raise UserError(Problem("it is not empty", f"output folder {out}", fix=fix))


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` whose content moves there only when everything went well."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as name:
        folder = Path(name) / out.name  # below, because a temporary folder is closed to other users
        folder.mkdir()
        yield folder
        shutil.copytree(folder, out, dirs_exist_ok=True)
