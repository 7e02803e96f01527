"""How runs end: stop address, waiting for input, faults and endless loops."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.emulate import native
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.machine import NOWHERE, Context, Finished, Machine
from tests.edgekit.emulate.images import BOARD, FINISH, program

PREAMBLE = "#include <stdint.h>\nvoid finish(void);\n"

FAULTS = {
    "read from an address without memory 0x60000000": "(void)*(volatile uint32_t *)0x60000000u;",
    "write to an address without memory 0x60000004": "*(volatile uint32_t *)0x60000004u = 1;",
    "write to flash 0x08000100": "*(volatile uint32_t *)0x08000100u = 1;",
    "read from an address without memory 0x00000000": '__asm volatile("movs r0, #0\\n ldr r0, [r0]");',
    "invalid instruction": '__asm volatile("udf #0");',
    "BKPT instruction": '__asm volatile("bkpt #1");',
    "SVC instruction": '__asm volatile("svc #1");',
    "access to 0x40013000, where board 'stm32l475' has no peripheral": "(void)*(volatile uint32_t *)0x40013000u;",
}


def run(source: str, folder: Path, layer: str = "", budget: int = 1 << 40, stack: int = 1024) -> Finished:
    image = program(PREAMBLE + source + FINISH, folder, stack=stack)
    contexts = [Context("layer seven", image.symbol(layer).address)] if layer else []
    finish = image.symbols.get("finish")  # linked only where main calls it
    stop = finish.address if finish else NOWHERE
    with Machine(image, BOARD, b"", contexts, budget=budget, stop_address=stop) as machine:
        return machine.run()


@pytest.mark.parametrize("what", FAULTS)
def test_faults_name_symbol_and_layer(what: str, tmp_path: Path) -> None:
    source = f"__attribute__((noinline)) void culprit(void) {{ {FAULTS[what]} }}\n"
    source += "int main(void) { culprit(); finish(); return 0; }"
    with pytest.raises(EmulationError) as caught:
        run(source, tmp_path, layer="culprit")
    problem = caught.value.problems[0]
    assert what in problem.what
    assert problem.where.startswith("culprit")
    assert problem.where.endswith("in layer seven")


def test_jump_into_nowhere(tmp_path: Path) -> None:
    source = "int main(void) { void (*volatile target)(void) = (void (*)(void))0x70000001u; target(); return 0; }"
    with pytest.raises(EmulationError, match="jump to an address without memory 0x70000000"):
        run(source, tmp_path)


def test_float_before_the_fpu_is_enabled_faults(tmp_path: Path) -> None:
    source = """
    int main(void) {
        *(volatile uint32_t *)0xE000ED88u = 0;
        __asm volatile("dsb\\n isb\\n vadd.f32 s0, s0, s0" ::: "s0");
        finish();
        return 0;
    }"""
    with pytest.raises(EmulationError, match="while the FPU is off"):
        run(source, tmp_path)


def test_stack_overflow_is_recognised(tmp_path: Path) -> None:
    source = """
    __attribute__((noinline)) int deep(volatile int *x) { volatile int y[16]; y[0] = *x; return deep(y) + y[1]; }
    int main(void) { volatile int x = 1; return deep(&x); }"""
    with pytest.raises(EmulationError, match="the stack has overflowed") as caught:
        run(source, tmp_path)
    assert caught.value.problems[0].where.startswith("deep")


def test_endless_loop_exhausts_the_budget(tmp_path: Path) -> None:
    source = """
    volatile int x;
    __attribute__((noinline)) void spin(void) { while (x == 0) { } }
    int main(void) { spin(); finish(); return 0; }"""
    with pytest.raises(EmulationError, match="within 100,000 instructions") as caught:
        run(source, tmp_path, layer="spin", budget=100_000)
    where = caught.value.problems[0].where
    assert where.startswith("spin")
    assert where.endswith("in layer seven")


def test_returning_from_main_is_an_endless_loop(tmp_path: Path) -> None:
    with pytest.raises(EmulationError, match="endless loop") as caught:
        run("int main(void) { return 0; }", tmp_path)
    assert caught.value.problems[0].where.startswith("Default_Handler")


def test_nested_layers_without_end(tmp_path: Path) -> None:
    source = """
    void a(int depth); void b(int depth);
    __attribute__((noinline)) void a(int depth) { b(depth + 1); __asm volatile(""); }
    __attribute__((noinline)) void b(int depth) { a(depth + 1); __asm volatile(""); }
    int main(void) { a(0); return 0; }"""
    image = program(PREAMBLE + source + FINISH, tmp_path)
    contexts = [Context(name, image.symbol(name).address) for name in "ab"]
    with pytest.raises(EmulationError, match="call each other"), Machine(image, BOARD, b"", contexts) as machine:
        machine.run()


def test_memory_starts_as_on_the_board(tmp_path: Path) -> None:
    """.data and .bss are set up by the start-up code, nothing else is zero."""
    source = """
    int data = 42, bss;
    int main(void) {
        volatile uint32_t *free_ram = (uint32_t *)0x20010000u;
        if (data != 42 || bss != 0 || *free_ram == 0 || *free_ram == 0xFFFFFFFFu) { __asm volatile("udf #0"); }
        finish();
        return 0;
    }"""
    assert run(source, tmp_path).reason == native.REACHED


def test_stack_high_water_mark(tmp_path: Path) -> None:
    source = """
    __attribute__((naked, noinline)) void leaf(void) { __asm volatile("push {r4-r7, lr}\\n pop {r4-r7, pc}"); }
    __attribute__((naked)) int main(void) { __asm volatile("push {r4, lr}\\n bl leaf\\n b finish"); }"""
    own = program(PREAMBLE + '__attribute__((naked)) int main(void) { __asm("b finish"); }' + FINISH, tmp_path)
    with Machine(own, BOARD, b"", stop_address=own.symbol("finish").address) as machine:
        reset = machine.run().stack_used
    assert reset is not None
    assert run(source, tmp_path).stack_used == reset + 8 + 20
