"""Compilers and their flags: ziglang from PyPI for everything, arm-none-eabi-gcc where asked for."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quant.errors import Problem, UserError, unknown

OVERFLOW = re.compile(r"region [`'](\w+)':? overflowed by (\d+) bytes")  # GNU ld and lld
COMPILERS = ("zig", "gcc")

# Without SLP vectorization: LLVM 22 loses the sign of sums that it narrows for x86 vectors (average pooling gave wrong
# bytes at -O1 and -O2 without any undefined behaviour; GCC, -O0 and the sanitized build were right).
# Square roots are one instruction, products and sums are rounded one by one: the float front end gives the same bits
# everywhere.
COMMON = (
    "-std=c99",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-tree-slp-vectorize",
)
FREESTANDING = (
    "-ffreestanding",
    "-fomit-frame-pointer",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
    "-ffunction-sections",
    "-fdata-sections",
)
LINK = ("-Wl,--gc-sections", "-Wl,-e,Reset_Handler")
# zig's CPU models carry no FPU and zig adds its own sanitizers in debug builds: both are stated explicitly.
ZIG_CORTEX = {
    "cortex-m4f": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
    "cortex-m7f": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m7+fp_armv8d16sp"),
}
GCC_CORTEX = {
    "cortex-m4f": ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "cortex-m7f": ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
}

# The program is plain RV32IMC; kernels bring their own instructions.
ZIG_CLUSTER = ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c+zicsr")
ZIG_CLUSTER_FLOAT = ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c+f+zicsr")
GCC_CLUSTER = ("-march=rv32imc_zicsr", "-mabi=ilp32", "-msmall-data-limit=0")


GCC_CLUSTER_FLOAT = ("-march=rv32imfc_zicsr", "-mabi=ilp32", "-msmall-data-limit=0")


@dataclass(frozen=True)
class Compiler:
    """A C compiler for one core: the command that compiles and links, as words."""

    name: str
    command: tuple[str, ...]
    flags: tuple[str, ...]
    link: tuple[str, ...]

    def compile(self, sources: Sequence[Path], output: Path, *extra: str, folder: Path | None = None) -> None:
        """Compile and link ``sources`` to ``output``.

        Raises:
            UserError: the compiler failed; its messages are part of the error.
        """
        words = [*self.command, *self.flags, *extra, *map(str, sources), "-o", str(output), *self.link]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        overflow = OVERFLOW.search(done.stderr)
        if done.returncode and overflow:
            region, excess = overflow.groups()
            what = f"the image does not fit: {excess} bytes too many for {region}"
            raise UserError(Problem(what, f"linking {output.name}", fix="use a smaller model or another board"))
        if done.returncode:
            what = f"the compiler ended with {done.returncode}:\n{done.stderr.strip()}"
            raise UserError(Problem(what, f"compiling {output.name} with {self.name}"))

    @property
    def version(self) -> str:
        words = [*self.command, "version"] if self.name == "zig" else [*self.command, "-dumpversion"]
        words = [word for word in words if word != "cc"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def zig() -> tuple[str, ...]:
    """The command that starts zig.

    Raises:
        UserError: the package ``ziglang`` is not installed.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise UserError(Problem("the package 'ziglang' is missing", "compiler", fix="pip install ziglang==0.17.1"))
    return sys.executable, "-m", "ziglang"


def host_compiler() -> Compiler:
    """zig for this machine."""
    return Compiler("zig", (*zig(), "cc"), (*COMMON, "-fno-sanitize=all"), ())


def cortex_compiler(core: str, name: str = "zig") -> Compiler:
    """The compiler ``name`` for a Cortex-M core.

    Raises:
        UserError: unknown compiler, or not installed.
    """
    if name == "zig":
        flags = (*ZIG_CORTEX[core], *COMMON, "-fno-sanitize=all", *FREESTANDING)
        return Compiler("zig", (*zig(), "cc"), flags, LINK)
    if name == "gcc":
        path = shutil.which("arm-none-eabi-gcc")
        if path is None:
            fix = "install it (Debian: gcc-arm-none-eabi), or build with --compiler zig"
            raise UserError(Problem("arm-none-eabi-gcc is not on the PATH", "compiler", ", ".join(COMPILERS), fix))
        flags = (*GCC_CORTEX[core], *COMMON, *FREESTANDING)
        return Compiler("gcc", (path,), flags, ("-nostartfiles", *LINK))
    raise unknown("compiler", name, COMPILERS)


def check_compiler(target: str, core: str, name: str) -> None:
    """Raises UserError where the compiler ``name`` is unknown or not installed for the target."""
    if target == "gap":
        cluster_compiler(name)
    elif target == "cortex-m":
        cortex_compiler(core, name)


def cluster_compiler(name: str = "zig", floating_point: bool = False) -> Compiler:
    """The compiler ``name`` for the bare-metal program of a cluster.

    Args:
        floating_point: with the F extension.

    Raises:
        UserError: unknown compiler, or not installed.
    """
    link = ("-Wl,--gc-sections", "-Wl,-e,_start")
    if name == "zig":
        target = ZIG_CLUSTER_FLOAT if floating_point else ZIG_CLUSTER
        flags = (*target, *COMMON, "-fno-sanitize=all", *FREESTANDING)
        return Compiler("zig", (*zig(), "cc"), flags, link)
    if name == "gcc":
        path = shutil.which("riscv64-unknown-elf-gcc")
        if path is None:
            fix = "install it (Debian: gcc-riscv64-unknown-elf), or build with --compiler zig"
            raise UserError(
                Problem("riscv64-unknown-elf-gcc is not on the PATH", "compiler", ", ".join(COMPILERS), fix)
            )
        alone = ("-nostdlib", *link, "-lgcc")  # with or without a C library
        return Compiler(
            "gcc", (path,), (*(GCC_CLUSTER_FLOAT if floating_point else GCC_CLUSTER), *COMMON, *FREESTANDING), alone
        )
    raise unknown("compiler", name, COMPILERS)
