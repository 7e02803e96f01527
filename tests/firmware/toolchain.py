"""Compiles a test program for the host or for a Cortex-M, and runs it there."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from deploy.compilers import COMMON, Compiler, cortex_compiler, zig
from deploy.elf import Image, read_elf
from deploy.paths import firmware_root
from quant.errors import UserError
from tests.firmware.harness import CORTEX_MAIN, HOST_MAIN, Run, program, result_bytes

# One function per kernel instead of one per call: quick to compile, and sanitizers see every path.
GENERAL = "-DEK_INLINE=static inline __attribute__((unused))"
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")
HOST_FLAGS = {
    "zig, sanitized": ("-O1", "-fsanitize=undefined", "-fsanitize-trap=undefined"),
    "zig, optimised": (*COMMON, "-fno-sanitize=all"),
    "gcc, sanitized": ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "gcc, optimised": COMMON,
}
FLASH, RAM, STACK, STOP = 0x0800_0000, 0x2000_0000, 0x2010_0000, 0x0000_0100
LINKER_SCRIPT = """
SECTIONS {
    . = 0x08000000;
    .text : { KEEP(*(.text*)) *(.rodata*) }
    .ARM.exidx : { *(.ARM.exidx*) }
    . = 0x20000000;
    .data : { *(.data*) *(.bss*) *(COMMON) }
}
"""


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its result memory, or the case at which it stopped and why."""

    memory: bytes
    stopped: str | None


@cache
def host_compiler(kind: str) -> tuple[str, ...]:
    """Command and flags of a key of HOST_FLAGS; skips the test where the compiler is not installed."""
    name = kind.split(",")[0]
    if name == "zig":
        return (*zig(), "cc", *HOST_FLAGS[kind])
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return (path, *HOST_FLAGS[kind])


@cache
def cortex(name: str, core: str = "cortex-m4f") -> Compiler:
    """A compiler for a Cortex-M core; skips the test where it is not installed."""
    try:
        return cortex_compiler(core, name)
    except UserError as error:
        pytest.skip(str(error))


def compile_source(command: Sequence[str], source: Path, output: Path, *extra: str) -> None:
    words = [*command, *WARNINGS, "-I", str(firmware_root()), *extra, str(source), "-o", str(output)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stderr[:4000]}"


def run_on_host(runs: Sequence[Run], compiler: str) -> Outcome:
    """Compiles and runs; a sanitizer's finding ends the program at the case that caused it."""
    with tempfile.TemporaryDirectory() as name:
        return run_program(build_for_host(runs, compiler, Path(name)), runs)


def build_for_host(runs: Sequence[Run], compiler: str, folder: Path) -> Path:
    source, output = folder / "cases.c", folder / "cases"
    source.write_text(program(runs) + HOST_MAIN, encoding="utf-8")
    compile_source(host_compiler(compiler), source, output, GENERAL)
    return output


def run_program(path: Path, runs: Sequence[Run], cores: int = 1) -> Outcome:
    """Runs a program of :func:`build_for_host` with teams of that many cores."""
    done = subprocess.run([str(path), str(cores)], capture_output=True, check=False)
    log = done.stderr.decode().splitlines()
    if done.returncode:
        numbers = [int(line) for line in log if line.isdigit()]
        where = runs[numbers[-1]].label if numbers else "start"
        return Outcome(done.stdout, f"{where}: exit code {done.returncode}")
    assert log[-1] == "done"
    return Outcome(done.stdout, None)


def build_for_cortex(runs: Sequence[Run], compiler: str, core: str, folder: Path) -> Image:
    """A flat image with specialised kernels, as generated projects compile them."""
    source, script, output = folder / "cases.c", folder / "cases.ld", folder / "cases.elf"
    source.write_text(program(runs) + CORTEX_MAIN, encoding="utf-8")
    script.write_text(LINKER_SCRIPT, encoding="utf-8")
    chosen = cortex(compiler, core)
    entry = ("-Wl,-e,start", "-T", str(script), *(("-nostartfiles", "-nostdlib") if compiler == "gcc" else ()))
    flags = [flag for flag in chosen.flags if flag not in ("-ffunction-sections", "-fdata-sections")]
    libraries = ("-lgcc",) if compiler == "gcc" else ()
    compile_source((*chosen.command, *flags), source, output, *entry, *libraries)
    return read_elf(output)


def run_on_cortex(image: Image, runs: Sequence[Run], core: str) -> Outcome:
    """Runs ``start`` of an image under unicorn."""
    unicorn = pytest.importorskip("unicorn")
    from unicorn import arm_const

    from edgekit.emulate.machine import CPU

    machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    machine.ctl_set_cpu_model(CPU[core])
    machine.mem_map(0, 0x1000)
    machine.mem_map(FLASH, 1 << 21)
    machine.mem_map(RAM, STACK - RAM)
    for segment in image.segments:
        machine.mem_write(segment.load_address, segment.data)
    machine.reg_write(arm_const.UC_ARM_REG_SP, STACK)
    machine.reg_write(arm_const.UC_ARM_REG_LR, STOP | 1)
    machine.emu_start(image.symbol("start").address | 1, STOP)
    overrun = machine.reg_read(arm_const.UC_ARM_REG_R0)
    memory = bytes(machine.mem_read(image.symbol("result").address, result_bytes(runs)))
    return Outcome(
        memory, None if overrun == 0xFFFF_FFFF else f"{runs[overrun].label}: wrote behind its scratch memory"
    )
