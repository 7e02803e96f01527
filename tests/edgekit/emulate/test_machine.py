"""How runs end: stop address, waiting for input, faults and endless loops."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.boards import Board, load_board
from edgekit.emulate import native
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.machine import NOWHERE, PAGE, Context, Finished, Machine
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
}

M7 = load_board("stm32f756")
every_board = pytest.mark.parametrize("board", [BOARD, M7], ids=[BOARD.name, M7.name])


def run(source: str, folder: Path, layer: str = "", budget: int = 1 << 40, board: Board = BOARD) -> Finished:
    image = program(PREAMBLE + source + FINISH, folder, board=board)
    contexts = [Context("layer seven", image.symbol(layer).address)] if layer else []
    finish = image.symbols.get("finish")  # linked only where main calls it
    stop = finish.address if finish else NOWHERE
    with Machine(image, board, b"", contexts, budget=budget, stop_address=stop) as machine:
        return machine.run()


def check_fault(statement: str, what: str, board: Board, folder: Path) -> None:
    source = f"__attribute__((noinline)) void culprit(void) {{ {statement} }}\n"
    source += "int main(void) { culprit(); finish(); return 0; }"
    with pytest.raises(EmulationError) as caught:
        run(source, folder, layer="culprit", board=board)
    problem = caught.value.problems[0]
    assert what in problem.what
    assert problem.where.startswith("culprit")
    assert problem.where.endswith("in layer seven")


@every_board
@pytest.mark.parametrize("what", FAULTS)
def test_faults_name_symbol_and_layer(what: str, board: Board, tmp_path: Path) -> None:
    check_fault(FAULTS[what], what, board, tmp_path)


@every_board
def test_registers_beside_a_peripheral(board: Board, tmp_path: Path) -> None:
    page = next(device.base for device in board.peripherals if device.uart) & -PAGE
    what = f"access to 0x{page:08x}, where board '{board.name}' has no peripheral"
    check_fault(f"(void)*(volatile uint32_t *)0x{page:x}u;", what, board, tmp_path)


def test_jump_into_nowhere(tmp_path: Path) -> None:
    source = "int main(void) { void (*volatile target)(void) = (void (*)(void))0x70000001u; target(); return 0; }"
    with pytest.raises(EmulationError, match="jump to an address without memory 0x70000000"):
        run(source, tmp_path)


@every_board
def test_float_before_the_fpu_is_enabled_faults(board: Board, tmp_path: Path) -> None:
    source = """
    int main(void) {
        *(volatile uint32_t *)0xE000ED88u = 0;
        __asm volatile("dsb\\n isb\\n vadd.f32 s0, s0, s0" ::: "s0");
        finish();
        return 0;
    }"""
    with pytest.raises(EmulationError, match="while the FPU is off"):
        run(source, tmp_path, board=board)


def test_only_the_cortex_m7_selects_floats(tmp_path: Path) -> None:
    source = 'int main(void) { __asm volatile(".inst.w 0xfe310a20" ::: "s0"); finish(); return 0; }'  # vselgt.f32
    assert run(source, tmp_path, board=M7).reason == native.REACHED
    with pytest.raises(EmulationError, match="invalid instruction"):
        run(source, tmp_path, board=BOARD)


@every_board
def test_stack_overflow_is_recognised(board: Board, tmp_path: Path) -> None:
    source = """
    __attribute__((noinline)) int deep(volatile int *x) { volatile int y[16]; y[0] = *x; return deep(y) + y[1]; }
    int main(void) { volatile int x = 1; return deep(&x); }"""
    with pytest.raises(EmulationError, match="the stack has overflowed") as caught:
        run(source, tmp_path, board=board)
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


@every_board
def test_memory_starts_as_on_the_board(board: Board, tmp_path: Path) -> None:
    """.data and .bss are set up by the start-up code, nothing else is zero."""
    source = """
    int data = 42, bss;
    int main(void) {
        volatile uint32_t *free_ram = (uint32_t *)0x20010000u;
        if (data != 42 || bss != 0 || *free_ram == 0 || *free_ram == 0xFFFFFFFFu) { __asm volatile("udf #0"); }
        finish();
        return 0;
    }"""
    assert run(source, tmp_path, board=board).reason == native.REACHED


def test_neighbouring_memories_are_one(tmp_path: Path) -> None:
    """Data of the STM32F756 may lie across the end of a memory, and words need not be aligned."""
    source = """
    int main(void) {
        volatile uint32_t *across[] = {(uint32_t *)0x2000FFFEu, (uint32_t *)0x2004BFFFu};
        for (int i = 0; i < 2; i++) {
            *across[i] = 0x12345678u;
            if (*across[i] != 0x12345678u) { __asm volatile("udf #0"); }
        }
        finish();
        return 0;
    }"""
    assert run(source, tmp_path, board=M7).reason == native.REACHED


@every_board
def test_stack_high_water_mark(board: Board, tmp_path: Path) -> None:
    source = """
    __attribute__((naked, noinline)) void leaf(void) { __asm volatile("push {r4-r7, lr}\\n pop {r4-r7, pc}"); }
    __attribute__((naked)) int main(void) { __asm volatile("push {r4, lr}\\n bl leaf\\n b finish"); }"""
    empty = '__attribute__((naked)) int main(void) { __asm("b finish"); }'
    reset = run(empty, tmp_path, board=board).stack_used
    assert reset is not None
    assert run(source, tmp_path, board=board).stack_used == reset + 8 + 20
