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

from deploy.compilers import COMMON, Compiler, cluster_compiler, cortex_compiler, zig
from deploy.elf import Image, read_elf
from deploy.paths import firmware_root
from quant.errors import UserError
from tests.edgekit.emulate.pulp.programs import REGISTERS
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


CLUSTER_SCRIPT = """
SECTIONS {
    .stacks 0x10000000 (NOLOAD) : { *(.stacks) }
    .text 0x1C008000 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) *(.srodata*) }
    .data : { *(.data*) *(.sdata*) *(.bss*) *(.sbss*) *(COMMON) }
    /DISCARD/ : { *(.eh_frame) *(.comment) *(.riscv.attributes) }
}
"""
# Every core executes every case, from data in L2; `cores` and `overrun` are written and read from outside.
CLUSTER_MAIN = """
__attribute__((section(".data"))) volatile u32 cores = 1, overrun_at = 0xFFFFFFFFu;
__attribute__((section(".stacks"), used)) uint8_t stacks[9 * 4096];
__asm__(".section .vectors,\\"ax\\"\\n.option push\\n.option norvc\\n"
        ".rept 32\\n j vector\\n.endr\\n"
        ".globl _start\\n_start:\\n csrr a0, 0xf14\\n li a1, 0x3e0\\n li sp, 0x1C007ff0\\n beq a0, a1, 1f\\n"
        " li sp, 0x10001000\\n slli a2, a0, 12\\n add sp, sp, a2\\n j core_main\\n1: j fc_main\\n.option pop\\n");
void vector(void) { leave(9); }
void fc_main(void) { paint_result(); start((1u << cores) - 1u); await_line(); leave(0); }
void core_main(u32 core) {
    team_cores = (int)cores;
    TEAM((1u << cores) - 1u);
    for (int i = 0; i < case_count; i++)
        if (run_case(i)) overrun_at = (u32)i;
    BARRIER();
    if (core == 0) finished();
    sleep_for_ever();
}
"""
CLUSTER_TEAM = """
void vector(void);
void fc_main(void);
void core_main(u32 core);
__attribute__((section(".data"))) int team_cores = 1;
#define EACH_CORE for (int32_t core = (int32_t)hart(), once = 1; once; once = 0)
#define PHASE() BARRIER()
"""


@cache
def cluster(name: str) -> Compiler:
    """A compiler for the cores of a cluster; skips the test where it is not installed."""
    try:
        return cluster_compiler(name)
    except UserError as error:
        pytest.skip(str(error))


def build_for_cluster(runs: Sequence[Run], compiler: str, folder: Path) -> Image:
    """A bare-metal image of the open PULP platform with one compiled copy of every kernel."""
    source, script, output = folder / "cases.c", folder / "cases.ld", folder / "cases.elf"
    unused = '#pragma GCC diagnostic ignored "-Wunused-function"\n'
    source.write_text(unused + REGISTERS + CLUSTER_TEAM + program(runs) + CLUSTER_MAIN, encoding="utf-8")
    script.write_text(CLUSTER_SCRIPT, encoding="utf-8")
    chosen = cluster(compiler)
    flags = [flag for flag in chosen.flags if flag not in ("-ffunction-sections", "-fdata-sections")]
    entry = ("-Wl,-e,_start", f"-Wl,-T,{script}", *(("-nostartfiles", "-nostdlib") if compiler == "gcc" else ()))
    compile_source((*chosen.command, *flags), source, output, *entry, *(("-lgcc",) if compiler == "gcc" else ()))
    return read_elf(output, "EM_RISCV")


def run_on_cluster(image: Image, runs: Sequence[Run], cores: int) -> Outcome:
    """Runs all cases on so many cores of a simulated GAP8."""
    from deploy.boards import load_board
    from edgekit.emulate.pulp.machine import Machine

    with Machine(image, load_board("gap8"), budget=10**9) as machine:
        machine.write(image.symbol("cores").address, cores.to_bytes(4, "little"))
        stop = machine.run()
        memory = machine.read(image.symbol("result").address, result_bytes(runs))
        overrun = int.from_bytes(machine.read(image.symbol("overrun_at").address, 4), "little")
    assert stop.exit_code == 0
    if overrun != 0xFFFF_FFFF:
        return Outcome(memory, f"{runs[overrun].label}: wrote behind its scratch memory")
    return Outcome(memory, None)


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
