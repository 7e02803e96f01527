from __future__ import annotations

from pathlib import Path

import pytest

from deploy.elf import Image
from deploy.stack import ALIGNMENT, BASIC_FRAME, EXTENDED_FRAME, worst_case_stack
from edgekit.emulate.machine import Machine
from quant.errors import UserError
from tests.edgekit.emulate.images import BOARD, FINISH, program

NAKED = "#define NAKED __attribute__((naked, noinline, used))\nvoid finish(void);\n"

# main 8 -> a 20 + 100 -> b 4 + 8 (tail call from depth 0) -> d 24
KNOWN = """
NAKED void d(void) { __asm volatile("push {r4-r8, lr}\\n pop {r4-r8, pc}"); }
NAKED void b(void) {
    __asm volatile("str r4, [sp, #-4]!\\n vpush {d8}\\n vpop {d8}\\n ldr r4, [sp], #4\\n b d");
}
NAKED void a(void) {
    __asm volatile("push {r4-r7, lr}\\n sub sp, #100\\n bl b\\n add sp, #100\\n"
                   "cbz r0, 1f\\n bl d\\n 1: pop {r4-r7, pc}");
}
NAKED int main(void) { __asm volatile("push {r4, lr}\\n bl a\\n pop {r4, lr}\\n b finish"); }
"""

REAL = """
#include <stdint.h>
void finish(void);
volatile int32_t value = 3;
__attribute__((noinline)) static int32_t leaf(const int32_t *x) {
    int32_t local[40];
    for (int i = 0; i < 40; i++) { local[i] = x[i & 3] * value; }
    for (int i = 1; i < 40; i++) { local[i] += local[i - 1] ^ value; }
    return local[value & 31];
}
__attribute__((noinline)) static int32_t pick(int32_t k) {
    int32_t x[4] = {k, k + 1, k + 2, k + 3};
    switch (k) {
    case 0: return leaf(x);
    case 1: return value * 5;
    case 2: return leaf(x) + leaf(x + 1);
    case 3: return value / 3;
    case 4: return k ^ value;
    case 5: return leaf(x) - k;
    default: return k;
    }
}
int main(void) {
    for (int32_t k = 0; k < 8; k++) { value += pick(k); }
    finish();
    return 0;
}
"""

REFUSED = {
    "recursion: (even -> odd -> even|odd -> even -> odd)": """
        volatile int n = 5;
        __attribute__((noinline)) int odd(int x);
        __attribute__((noinline)) int even(int x) { return x == 0 ? 1 : odd(x - 1) + n; }
        __attribute__((noinline)) int odd(int x) { return x == 0 ? 0 : even(x - 1) - n; }
        int main(void) { return even(n); }""",
    "an indirect jump or call": """
        int (*volatile target)(int);
        __attribute__((noinline)) int caller(int x) { return target(x) + 1; }
        int main(void) { return caller(3); }""",
    "the stack pointer is set from a register": """
        volatile int n = 5;
        __attribute__((noinline)) int caller(int x) {
            volatile char buffer[x];
            for (int i = 0; i < x; i++) { buffer[i] = (char)n; }
            return buffer[x / 2];
        }
        int main(void) { return caller(n); }""",
    "the stack grows in a loop": """
        __attribute__((naked, noinline, used)) void caller(void) { __asm volatile("1: push {r0}\\n bne 1b\\n bx lr"); }
        int main(void) { caller(); return 0; }""",
}


def compiled(source: str, folder: Path, compiler: str) -> Image:
    try:
        return program(source, folder, compiler)
    except UserError as error:
        if "not on the PATH" in str(error):
            pytest.skip(str(error))
        raise


def measured(image: Image) -> int:
    with Machine(image, BOARD, b"", stop_address=image.symbol("finish").address) as machine:
        used = machine.run().stack_used
    assert used is not None
    return used


def test_known_depth(tmp_path: Path) -> None:
    image = program(NAKED + KNOWN + FINISH, tmp_path)
    report = worst_case_stack(image, "main")
    assert report.chain == (("main", 8), ("a", 120), ("b", 0), ("d", 24))
    assert report.exception_bytes == EXTENDED_FRAME + ALIGNMENT
    assert report.bytes == 264  # 8 + 120 + 24 + 104 + 4, rounded up to a multiple of 8


def test_without_floating_point_the_exception_frame_is_small(tmp_path: Path) -> None:
    image = program(NAKED + 'NAKED int main(void) { __asm volatile("b finish"); }' + FINISH, tmp_path)
    assert worst_case_stack(image).exception_bytes == BASIC_FRAME + ALIGNMENT


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_bound_holds_and_is_reached(compiler: str, tmp_path: Path) -> None:
    image = compiled(REAL + FINISH, tmp_path, compiler)
    report = worst_case_stack(image)
    bound = report.bytes - report.exception_bytes
    assert [function for function, _ in report.chain][:2] == ["Reset_Handler", "main"]
    assert bound - 24 <= measured(image) <= bound  # compilers leave some words of a frame unwritten


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_bound_is_refused(what: str, compiler: str, tmp_path: Path) -> None:
    image = compiled(REFUSED[what], tmp_path, compiler)
    with pytest.raises(UserError, match=what):
        worst_case_stack(image)


def test_refusal_names_the_function(tmp_path: Path) -> None:
    image = program(REFUSED["an indirect jump or call"], tmp_path)
    with pytest.raises(UserError) as caught:
        worst_case_stack(image)
    assert "caller" in caught.value.problems[0].where


def test_stripped_image(tmp_path: Path) -> None:
    image = program("int main(void) { return 0; }", tmp_path, "zig", "-s")
    with pytest.raises(UserError, match="the entry point is no function"):
        worst_case_stack(image)
