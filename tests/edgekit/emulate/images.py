"""Small firmware images for tests, built with the board's real start-up code and linker script."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.boards import Board, load_board
from deploy.compilers import cortex_compiler
from deploy.elf import Image, read_elf
from deploy.paths import firmware_root

BOARD = load_board("stm32l475")

# The function that ends a program under test; the emulator stops there, QEMU leaves by semihosting (SYS_EXIT).
FINISH = """
__attribute__((noinline, naked, used)) void finish(void) {
    __asm volatile("movs r0, #0x18\\n movw r1, #0x26\\n movt r1, #2\\n bkpt 0xab\\n b .");
}
"""


def program(
    source: str,
    folder: Path,
    compiler: str = "zig",
    *flags: str,
    stack: int = 1024,
    ram: str = "",
    board: Board = BOARD,
    nvm_bytes: int = 0,
) -> Image:
    """Builds a program of one file that defines ``main``; ``ram`` moves the stack to another memory of the script.

    ``nvm_bytes``: with the slots for states, and what saves them there.
    """
    sources = [_write(folder, "program.c", source)]
    if nvm_bytes:
        runtime = firmware_root() / "runtime" / "nvm"
        sources += [runtime / "nvm.c", *(_folder(board) / name for name in ("board.c", "flash.c"))]
        flags = (*flags, f"-I{runtime}")
    return _build(board, sources, folder, compiler, flags, stack, ram, nvm_bytes)


def served(
    model: str,
    folder: Path,
    input_bytes: int,
    output_bytes: int,
    compiler: str = "zig",
    board: Board = BOARD,
    more: str = "",
) -> Image:
    """Builds a complete firmware with the real ``main`` around a model, given as C source.

    ``more``: what its ``ek_model.h`` says besides.
    """
    header = f"#include <stdint.h>\n#define EK_INPUT_BYTES {input_bytes}u\n#define EK_OUTPUT_BYTES {output_bytes}u\n"
    header += "void ek_model_run(const int8_t *input, int8_t *output);\nint ek_model_selftest(void);\n"
    _write(folder, "ek_model.h", header + more)
    sources = [_write(folder, "model.c", '#include "ek_model.h"\n' + model)]
    sources += [firmware_root() / "runtime" / "main.c", _folder(board) / "board.c"]
    includes = (f"-I{firmware_root()}", f"-I{firmware_root() / 'runtime' / 'nvm'}")
    return _build(board, sources, folder, compiler, includes, 1024, "")


def _folder(board: Board) -> Path:
    return firmware_root() / "boards" / board.name


def _write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def _build(
    board: Board,
    sources: list[Path],
    folder: Path,
    compiler: str,
    flags: tuple[str, ...],
    stack: int,
    ram: str,
    nvm_bytes: int = 0,
) -> Image:
    _write(folder, "ek_stack.h", f"#define EK_STACK_BYTES {stack}\n")
    text = (_folder(board) / "link.ld").read_text(encoding="utf-8")
    script = _write(folder, "link.ld", text.replace("__nvm_bytes = 0;", f"__nvm_bytes = {nvm_bytes};"))
    if ram:
        _write(folder, "link.ld", script.read_text(encoding="utf-8").replace("} > SRAM2", f"}} > {ram}"))
    shutil.copy(firmware_root() / "runtime" / "startup.c", folder)
    elf = folder / f"{compiler}.elf"
    cortex_compiler(board.core, compiler).compile(
        [folder / "startup.c", *sources],
        elf,
        *flags,
        f"-I{folder}",
        f"-I{firmware_root() / 'runtime'}",
        f"-Wl,-T,{script}",
    )
    return read_elf(elf)
