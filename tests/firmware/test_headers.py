"""Each header stands alone and compiles without warnings, for the host and for the devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.compilers import zig
from deploy.paths import firmware_root
from tests.firmware.toolchain import cluster, compile_source, cortex, host_compiler

ROOT = firmware_root()
FRONT_END = ("-DEK_CHANNELS=3", "-Wno-unused-function")  # stages that no program calls
FOLDERS = ("kernels", "features", "runtime/nvm")
HEADERS = sorted(path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*.h"))


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
@pytest.mark.parametrize("target", ["host", "cortex-m", "cluster"])
def test_header_stands_alone(target: str, compiler: str, tmp_path: Path) -> None:
    device = cortex(compiler) if target == "cortex-m" else cluster(compiler) if target == "cluster" else None
    command = (*device.command, *device.flags) if device else host_compiler(f"{compiler}, optimised")
    for header in HEADERS:
        source = tmp_path / "alone.c"
        source.write_text(f'#include "{header}"\nextern int unused;\n', encoding="utf-8")
        compile_source((*command, "-c"), source, tmp_path / "alone.o", *FRONT_END)


def test_nothing_needs_a_c_library() -> None:
    for header in HEADERS:
        text = (ROOT / header).read_text(encoding="utf-8")
        includes = {line.split("<")[1].split(">")[0] for line in text.splitlines() if line.startswith("#include <")}
        assert includes <= {"stddef.h", "stdint.h", "arm_acle.h"}, header


def test_portable_kernels_are_strict_c99(tmp_path: Path) -> None:
    portable = [header for header in HEADERS if header.count("/") == 1]
    source = tmp_path / "strict.c"
    source.write_text("".join(f'#include "{h}"\n' for h in portable) + "extern int unused;\n", encoding="utf-8")
    strict = (*zig(), "cc", "-pedantic", "-U__GNUC__", "-c", "-Wno-unused-function")
    compile_source(strict, source, tmp_path / "strict.o", *FRONT_END)
