"""Check this installation: packages, C sources, compilers, emulator and simulator. Also fills the compiler's cache."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from deploy.boards import list_boards, load_board
from deploy.compilers import Compiler, cluster_compiler, cortex_compiler, host_compiler
from deploy.paths import firmware_root
from edgekit.optional import EXTRAS
from edgekit.rooms import home
from edgekit.screen import Screen, table
from edgekit.versions import OPTIONAL, REQUIRED, versions
from quant.datasets.cache import cache_folder
from quant.errors import UserError

EXAMPLES = ("edgekit doctor", "edgekit doctor --json")
TRIVIAL = "int main(void) { return 0; }\n"
ENTRIES = (
    "void Reset_Handler(void) { for (;;) { } }\nvoid _start(void) { for (;;) { } }\n"  # of images without a system
)
# Division needs the compiler's run-time library, which zig builds once per core: seconds that nobody waits for later.
ROUTINE = "unsigned long long ek_divide(unsigned long long a, unsigned long long b) { return a / b; }\n"

Check = Callable[[], str]


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Exit code 1 when something that every verb needs is missing."""
    found = versions()
    rows: list[tuple[str, str, str]] = [
        ("ok", "python", found["python"]),
        ("ok", "edgekit", f"{found['edgekit']} in {home()}"),
    ]
    rows += [_package(package, found, package in REQUIRED) for package in (*REQUIRED, *OPTIONAL)]
    checks: dict[str, Check] = {
        "C sources": lambda: str(firmware_root()),
        "cache folder": _cache,
        "compiler, host": _host,
        **{f"compiler, {core}": partial(_image, partial(cortex_compiler, core)) for core in _cores()},
        "compiler, clusters": partial(_image, cluster_compiler),
        "simulator": _simulator,
    }
    if "unicorn" in found:
        checks["emulator"] = _emulator
    for name, check in checks.items():
        with screen.step(name):
            rows.append(_row(name, check))
    for tool in ("arm-none-eabi-gcc", "riscv64-unknown-elf-gcc", "qemu-system-arm"):
        path = shutil.which(tool)
        rows.append(("ok" if path else "-", tool, path or "not installed; not needed"))
    failed = any(state == "FAULT" for state, _, _ in rows)
    data = [{"state": state, "what": what, "detail": detail} for state, what, detail in rows]
    end = "something is missing: see FAULT above" if failed else "all that EdgeKit needs is there"
    screen.show({"ok": not failed, "checks": data}, table(("", "what", ""), rows), "", end)
    return int(failed)


def _package(name: str, found: dict[str, str], required: bool) -> tuple[str, str, str]:
    if name in found:
        return "ok", name, found[name]
    fix = "pip install edgekit" if required else f"not installed; pip install 'edgekit[{EXTRAS[name]}]'"
    return "FAULT" if required else "-", name, fix


def _row(name: str, check: Check) -> tuple[str, str, str]:
    try:
        return "ok", name, check()
    except (UserError, OSError) as error:
        return "FAULT", name, str(error)


def _cores() -> list[str]:
    boards = [load_board(name) for name in list_boards()]
    return sorted({board.core for board in boards if board.target == "cortex-m"})


def _cache() -> str:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} cannot be written; set EDGEKIT_CACHE to a folder that can")
    return str(folder)


def _host() -> str:
    compiler = host_compiler()
    with tempfile.TemporaryDirectory(prefix="edgekit-doctor-") as name:
        source = Path(name) / "trivial.c"
        source.write_text(TRIVIAL + ROUTINE, encoding="utf-8")
        compiler.compile([source], Path(name) / "program")
        compiler.compile([source], Path(name) / "library.so", "-shared", "-fPIC")
    return f"{compiler.name} {compiler.version}"


def _image(find: Callable[[], Compiler]) -> str:
    compiler = find()
    with tempfile.TemporaryDirectory(prefix="edgekit-doctor-") as name:
        source = Path(name) / "trivial.c"
        source.write_text(TRIVIAL + ENTRIES + ROUTINE, encoding="utf-8")
        compiler.compile([source], Path(name) / "image.elf")
    return f"{compiler.name} {compiler.version}"


def _emulator() -> str:
    from edgekit.emulate import native

    native.library()
    return str(cache_folder())


def _simulator() -> str:
    from edgekit.emulate.pulp import native

    native.library()
    return f"of clusters, in {cache_folder()}"
