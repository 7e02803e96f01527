"""Model file -> firmware folder: plan, C project, image, sizes, all or nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from deploy import project
from deploy.boards import Board, list_boards, load_board
from deploy.codegen import code_in_ram, identifier, layer_functions, layer_symbol
from deploy.compilers import cortex_compiler, host_compiler
from deploy.elf import read_elf
from deploy.paths import board_folder, edgekit_version
from deploy.placement import FLASH, Placement
from deploy.plan import Plan, make_plan
from deploy.stack import worst_case_stack
from quant.errors import Problem, UserError
from quant.graph import Graph, Tensor
from quant.interchange.read import read_model
from quant.interchange.write import save, to_onnx

BUILD_FILE = "build.json"
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


@dataclass(frozen=True)
class Build:
    """What a build leaves behind; the same facts are in ``build.json``."""

    folder: Path
    plan: Plan
    sizes: Sizes

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
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Build:
    """Build ``model`` for a board into the folder ``out``.

    Raises:
        UserError: the model, the board, the compiler or the folder cannot be used; ``out`` is left as it was.
    """
    board = load_board(board_name)
    refuse_used_folder(out, force)
    progress("reading the model")
    graph = read_model(model)
    return build_graph(graph, board, out, compiler=compiler, placement=placement, force=force, progress=progress)


def build_graph(
    graph: Graph,
    board: Board,
    out: Path,
    *,
    compiler: str = "zig",
    placement: Placement = FLASH,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Build:
    """Like :func:`build`, from a graph in memory."""
    refuse_used_folder(out, force)
    refuse_board(board)
    progress("choosing kernels and addresses")
    plan = make_plan(graph, board, placement=placement)
    with _staged(out) as folder:
        project.write_project(plan, folder, PROVISIONAL_STACK)
        save(to_onnx(graph), folder / "model.onnx")
        progress("compiling")
        sizes = _compile_host(plan, folder) if board.target == "host" else _compile_cortex(plan, folder, compiler)
        (folder / BUILD_FILE).write_text(
            json.dumps(_facts(plan, sizes, folder, compiler), indent=1) + "\n", encoding="utf-8"
        )
    return Build(out, plan, sizes)


def refuse_board(board: Board) -> None:
    """Raises UserError where there is no start-up code for the board."""
    if board.target == "host" or board_folder(board.name) is not None:
        return
    able = [name for name in list_boards() if load_board(name).target == "host" or board_folder(name)]
    raise UserError(Problem("there is no start-up code for it", f"board '{board.name}'", ", ".join(able)))


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
    graph, functions = plan.graph, layer_functions(plan)
    image = folder / "firmware.bin"
    return {
        "format": 1,
        "model": graph.name,
        "board": plan.board.name,
        "compiler": compiler,
        "edgekit": edgekit_version(),
        "prefix": identifier(graph.name),
        "sha256": hashlib.sha256(image.read_bytes()).hexdigest() if image.exists() else None,
        "bytes": asdict(sizes),
        "arena_bound": plan.arena.bound,
        "timeline": _timeline(plan),
        "code_in_ram": [name for name in dict.fromkeys(chain(*functions.values())) if code_in_ram(plan, name)],
        "params": graph.parameters,
        "macs": graph.total_macs,
        "executed_macs": plan.executed_macs,
        "inputs": [_tensor(plan, t) for t in graph.inputs],
        "outputs": [_tensor(plan, t) for t in graph.outputs],
        "info": dict(graph.info),
        "layers": [
            {
                "name": layer.node.name,
                "op": layer.node.op.kind,
                "kernel": layer.kernel.name,
                "why": layer.why,
                "symbol": layer_symbol(plan, layer),
                "macs": graph.macs(layer.node),
                "executed_macs": layer.executed_macs,
                "scratch_bytes": layer.scratch_bytes,
                "live_bytes": plan.arena.live_bytes(layer.index + 1),
                "functions": functions[layer.node.name],
                "constant_bytes": layer.constant_bytes,
                "constants": "ram" if plan.placement.holds_constants(layer.node.name) else "flash",
                "output": _tensor(plan, layer.site.output),
            }
            for layer in plan.layers
        ],
    }


def _timeline(plan: Plan) -> dict[str, Any]:
    """Every buffer of the arena: where it lies, and from which step to which it is live."""
    tensors = set(plan.storage.values())
    return {
        "arena_bytes": plan.arena.size,
        "steps": ["input", *(layer.node.name for layer in plan.layers), "output"],
        "buffers": [
            {
                "name": buffer.name,
                "kind": "tensor" if buffer.name in tensors else "scratch",
                "offset": plan.arena.offsets[buffer.name],
                "bytes": buffer.size,
                "first": buffer.first,
                "last": buffer.last,
            }
            for buffer in plan.arena.buffers
        ],
    }


def _tensor(plan: Plan, tensor: Tensor) -> dict[str, Any]:
    layout = plan.layouts[tensor.name]
    return {
        "name": tensor.name,
        "dtype": tensor.dtype.value,
        "shape": list(tensor.shape),
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
        "offset": plan.offset(tensor.name),
        "bytes": tensor.nbytes,
        "layout": {"view": list(layout.view), "perm": list(layout.perm)},
    }
