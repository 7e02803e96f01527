"""The instruction count is QEMU's, from reset to the end, for both compilers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.compilers import host_compiler
from edgekit.emulate.profile import Bounds, profile
from quant.errors import UserError
from tests.edgekit.emulate.images import BOARD, FINISH, program

QEMU = shutil.which("qemu-system-arm")
PLUGIN = Path(__file__).with_name("qemu_count.c")

# Conditional instructions, a switch, divisions, floating point, multiplications: blocks of every kind.
SOURCE = """
#include <stdint.h>
void finish(void);
static int8_t a[512], w[512];
volatile int32_t result;
__attribute__((noinline)) static int32_t dot(const int8_t *x, const int8_t *y, int n) {
    int32_t sum = 0;
    for (int i = 0; i < n; i++) { sum += x[i] > 3 ? x[i] * y[i] : -y[i]; }
    return sum;
}
__attribute__((noinline)) static int32_t pick(int32_t k) {
    switch (k & 7) {
    case 0: return 3;
    case 1: return 99;
    case 2: return k * 7;
    case 3: return k / 3;
    case 4: return ~k;
    case 5: return result;
    case 6: return k % 11;
    default: return (int32_t)((float)k * 0.7f);
    }
}
int main(void) {
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 512; i++) { a[i] = (int8_t)(i * round); w[i] = (int8_t)(i ^ round); }
        result += dot(a, w, 480 + round % 24) + pick(round);
    }
    finish();
    return 0;
}
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if QEMU is None:
        pytest.skip("qemu-system-arm is not installed")
    target = tmp_path_factory.mktemp("plugin") / "count.so"
    host_compiler().compile([PLUGIN], target, "-shared", "-fPIC")
    return target


def count_by_qemu(elf: Path, plugin: Path) -> int:
    # netduinoplus2 is a Cortex-M4F with flash at 0x08000000 and RAM at 0x20000000
    command = [str(QEMU), "-M", "netduinoplus2", "-nographic", "-monitor", "none", "-serial", "none", "-semihosting"]
    command += ["-plugin", str(plugin), "-kernel", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    counted = re.search(r"instructions (\d+)", done.stderr)
    if counted is None:
        pytest.skip(f"this QEMU does not run the plugin: {done.stderr.strip()[:200]}")
    return int(counted[1])


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_instruction_count_equals_qemu(compiler: str, level: str, plugin: Path, tmp_path: Path) -> None:
    try:
        image = program(SOURCE + FINISH, tmp_path, compiler, level, ram="SRAM1")
    except UserError as error:
        pytest.skip(str(error))
    costs = profile(image.path, BOARD, Bounds()).cost(BOARD.operating_point())
    assert sum(cost.instructions for cost in costs.values()) == count_by_qemu(image.path, plugin)
