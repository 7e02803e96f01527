"""A network of :mod:`networks` with the runtime: as an application of the SDK on this computer, and bare metal."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from string import Template

from deploy.boards import load_board
from deploy.compilers import cluster_compiler
from deploy.elf import Image, read_elf
from deploy.paths import firmware_root
from tests.firmware.gap.networks import Network, header, source
from tests.firmware.toolchain import WARNINGS, host_compiler

CORE_STACK_BYTES, STACK_BYTES = 1_024, 2_048
RUNTIME = firmware_root() / "runtime" / "gap"

# Serves one inference like the command of a host build.
SERVE = """
#include <stdio.h>
#include <stdlib.h>
#include "ek_cluster.h"
#include "ek_model.h"
static int8_t input[EK_INPUT_BYTES], output[EK_OUTPUT_BYTES];
int main(void) {
    ek_cores = (uint32_t)atoi(getenv("EK_CORES"));
    if (fread(input, 1, EK_INPUT_BYTES, stdin) != EK_INPUT_BYTES) return 1;
    ek_model_run(input, output);
    return fwrite(output, 1, EK_OUTPUT_BYTES, stdout) != EK_OUTPUT_BYTES;
}
"""


@dataclass(frozen=True)
class Host:
    """A program that serves one inference, and the application whose self-test it is."""

    serve: Path
    application: Path
    folder: Path

    def run(self, data: bytes, cores: int, **environment: str) -> bytes:
        return self._start(self.serve, cores, environment, data).stdout

    def selftest(self, cores: int, **environment: str) -> tuple[int, str]:
        done = self._start(self.application, cores, environment, b"", check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    def _start(
        self, program: Path, cores: int, environment: dict[str, str], data: bytes, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        values = {**os.environ, "EK_CORES": str(cores), **environment}
        return subprocess.run([program], input=data, env=values, cwd=self.folder, capture_output=True, check=check)


def write_sources(network: Network, cores: int, folder: Path, text: str | None = None) -> None:
    """``text``: the model's source, where it is not the usual one."""
    (folder / "model.c").write_text(text or source(network), encoding="utf-8")
    (folder / "ek_model.h").write_text(header(network), encoding="utf-8")
    own = {"L3_BYTES": len(network.l3), "INPUT_IN_ARENA": 0}
    sizes = {"CORES": cores, "CORE_STACK_BYTES": CORE_STACK_BYTES, **own}
    clocks = {"CLUSTER_HZ": 175_000_000, "CONTROLLER_HZ": 175_000_000}
    lines = [f"#define EK_{name} {value}" for name, value in {**sizes, **clocks}.items()]
    (folder / "ek_config.h").write_text("\n".join([*lines, ""]), encoding="utf-8")
    (folder / "l3.bin").write_bytes(network.l3)
    (folder / "serve.c").write_text(SERVE, encoding="utf-8")


def build_host(network: Network, compiler: str, folder: Path, *defines: str, cores: int = 8) -> Host:
    """``compiler``: a key of HOST_FLAGS; ``defines`` choose the SDK whose differences the program follows."""
    write_sources(network, cores, folder)
    includes = [f"-I{path}" for path in (folder, firmware_root(), RUNTIME, RUNTIME / "pmsis", RUNTIME / "shim")]
    common = [folder / "model.c", RUNTIME / "network.c", *sorted((RUNTIME / "shim").glob("*.c"))]
    common += [RUNTIME / "pmsis" / name for name in ("cluster.c", "ram.c")]
    host = Host(folder / "serve", folder / "application", folder)
    mains = {host.serve: folder / "serve.c", host.application: RUNTIME / "pmsis" / "main_pmsis.c"}
    for output, main in mains.items():
        words = [*host_compiler(compiler), *WARNINGS, "-D_POSIX_C_SOURCE=200809L", *defines, *includes]
        words += [*map(str, common), str(main), "-pthread", "-o", str(output)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:4000]
    return host


def build_bare(network: Network, board: str, folder: Path, text: str | None = None) -> Image:
    """The bare-metal program for a board."""
    cluster, ram = load_board(board).cluster, load_board(board).rams[0]
    assert cluster is not None
    write_sources(network, cluster.cores, folder, text)
    values = {"l1_bytes": cluster.l1.bytes, "l2_bytes": ram.bytes, "cores": cluster.cores}
    stacks = {"stack_bytes": STACK_BYTES, "core_stack_bytes": CORE_STACK_BYTES}
    template = Template((RUNTIME / "bare" / "link.ld.in").read_text(encoding="utf-8"))
    (folder / "link.ld").write_text(template.substitute({**values, **stacks}), encoding="utf-8")
    sources = [folder / "model.c", RUNTIME / "network.c", *sorted((RUNTIME / "bare").glob("*.c"))]
    paths = [folder, firmware_root(), RUNTIME, RUNTIME / "bare"]
    flags = [*(f"-I{path}" for path in paths), "-Werror", f"-Wl,-T,{folder / 'link.ld'}"]
    cluster_compiler().compile(sources, folder / "firmware.elf", *flags)
    return read_elf(folder / "firmware.elf", "EM_RISCV")
