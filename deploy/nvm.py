"""States that outlive power: saved in turn to one of two slots at the end of flash, where a board can write it.

A board can where its folder has a driver, ``flash.c``; elsewhere the states live in RAM, and :func:`facts` says so.
"""

from __future__ import annotations

import json
import shutil
import zlib
from pathlib import Path
from typing import Any

from deploy.boards import Board
from deploy.codegen import identifier, provenance
from deploy.paths import board_folder, firmware_root
from deploy.plan import Plan
from quant.graph import Graph, Tensor
from quant.interchange.write import to_onnx

SOURCE = "model_nvm.c"
DRIVER = "flash.c"
SLOTS = 2
HEADER_BYTES = 24  # in front of the states in a slot
ROW = 8  # bytes that flash programs at once
NO_SLOTS = "__nvm_bytes = 0;"  # of a board's linker script


def has_driver(board: Board) -> bool:
    """Whether firmware of a board can write its flash."""
    folder = board_folder(board.name)
    return folder is not None and (folder / DRIVER).exists()


def lasting(graph: Graph) -> list[Tensor]:
    """The states that are to outlive power, as they are read."""
    return [graph.tensors[state.input] for state in graph.states if state.storage == "nvm"]


def saves(graph: Graph, board: Board) -> bool:
    """Whether a build saves states to flash."""
    return bool(lasting(graph)) and has_driver(board)


def slot_bytes(graph: Graph, board: Board) -> int:
    """Bytes of one slot: whole pages."""
    controller = board.flash_timing.controller if board.flash_timing else None
    assert controller is not None, board.name
    used = HEADER_BYTES + -(-sum(tensor.nbytes for tensor in lasting(graph)) // ROW) * ROW
    return -(-used // controller.page_bytes) * controller.page_bytes


def fingerprint(plan: Plan) -> int:
    """CRC-32 of the model's operators, constants and states, and of how the saved ones lie in memory.

    The states of a model mean nothing to any other one, even where they are as large.
    """
    layouts = [plan.layouts[tensor.name] for tensor in lasting(plan.graph)]
    text = json.dumps([plan.graph.name, *([layout.view, layout.perm] for layout in layouts)])
    model = to_onnx(plan.graph).graph.SerializeToString(deterministic=True)
    return zlib.crc32(model, zlib.crc32(text.encode()))


def source(plan: Plan) -> str:
    """``model_nvm.c``: where the saved states lie."""
    prefix = identifier(plan.graph.name)
    lines = [provenance(plan, "States that outlive power"), '#include "ek_model.h"', '#include "model.h"', ""]
    lines += ["static const ek_nvm_span spans[] = {"]
    lines += [
        f"    {{{prefix}_arena + {plan.offset(t.name)}, {t.nbytes}}}, /* {t.name} */" for t in lasting(plan.graph)
    ]
    lines += ["};", ""]
    lines += [f"const ek_nvm_layout ek_model_nvm = {{spans, {len(lasting(plan.graph))}, 0x{fingerprint(plan):08X}u}};"]
    return "\n".join([*lines, ""])


def for_runtime(graph: Graph, board: Board) -> str:
    """For ``ek_model.h``: what is saved; nothing where nothing is."""
    if not saves(graph, board):
        return ""
    return '#include "ek_nvm.h"\n\n#define EK_NVM 1\nextern const ek_nvm_layout ek_model_nvm;\n\n'


def write(plan: Plan, folder: Path) -> None:
    """Add driver, runtime and slots to a project; takes the driver away where nothing is saved."""
    driver = folder / "board" / DRIVER
    if not saves(plan.graph, plan.board):
        driver.unlink(missing_ok=True)
        return
    (folder / "src" / SOURCE).write_text(source(plan), encoding="utf-8")
    for path in (firmware_root() / "runtime" / "nvm").iterdir():
        shutil.copy(path, folder / "runtime")
    script, size = folder / "board" / "link.ld", SLOTS * slot_bytes(plan.graph, plan.board)
    text = script.read_text(encoding="utf-8")
    assert NO_SLOTS in text, script
    script.write_text(text.replace(NO_SLOTS, f"__nvm_bytes = {size};"), encoding="utf-8")


def readme(graph: Graph, board: Board) -> str:
    """What a project's README says of states that outlive power; nothing where there are none."""
    if not lasting(graph):
        return ""
    names = ", ".join(tensor.name for tensor in lasting(graph))
    if not has_driver(board):
        return f"\nThe states {names} are meant to outlive power, but nothing writes flash here: they live in RAM.\n"
    size = slot_bytes(graph, board)
    return f"""
The states {names} outlive power (`runtime/ek_nvm.h`):

    ek_nvm_load(&ek_model_nvm); /* once, before the first call; says what it found */
    ek_nvm_save(&ek_model_nvm); /* behind what changed them */

A save goes to the older of two slots of {size:,} bytes at the end of flash, so that power may go at any moment.
It erases every page of that slot, and flash bears only so many erases. `src/{SOURCE}` says where the states lie,
`board/{DRIVER}` writes flash; flash an image of the same model without erasing the whole chip, and it finds its states.
"""


def facts(graph: Graph, board: Board) -> dict[str, Any] | None:
    """For ``build.json``: what becomes of the states that are to outlive power; None where there are none."""
    states = lasting(graph)
    if not states:
        return None
    names, size = [tensor.name for tensor in states], sum(tensor.nbytes for tensor in states)
    if not has_driver(board):
        return {"states": names, "bytes": size, "kept_in": "ram", "slots": 0, "slot_bytes": 0}
    return {"states": names, "bytes": size, "kept_in": "flash", "slots": SLOTS, "slot_bytes": slot_bytes(graph, board)}
