"""Model firmware on the emulated board: protocol, outputs, attribution to layers, snapshots."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.boards import load_board
from edgekit.emulate.cortex_m import Emulator, LayerSymbol, Model, Snapshot
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.machine import Machine
from edgekit.emulate.pricing import Cost, Cycles
from quant.errors import UserError
from tests.edgekit.emulate.images import BOARD, served

# y = 5 (3 x): two layers with a shared loop.
TOY = """
int8_t toy_arena[8];
__attribute__((noinline)) static void scale(const int8_t *x, int8_t *y, int n, int k) {
    for (int i = 0; i < n; i++) { y[i] = (int8_t)(x[i] * k); }
}
__attribute__((noinline)) void toy_layer_00_a(const int8_t *x) { scale(x, toy_arena, 8, 3); }
__attribute__((noinline)) void toy_layer_01_b(void) { scale(toy_arena, toy_arena + 4, 4, 5); }
__attribute__((noinline)) void toy_run(const int8_t *x, int8_t *y) {
    toy_layer_00_a(x);
    toy_layer_01_b();
    for (int i = 0; i < 4; i++) { y[i] = toy_arena[4 + i]; }
}
void ek_model_run(const int8_t *x, int8_t *y) { toy_run(x, y); }
int ek_model_selftest(void) {
    static const int8_t x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    int8_t y[4] = {0};
    toy_run(x, y);
    return y[1] != 30;
}
"""
LAYERS = (LayerSymbol("a", "toy_layer_00_a"), LayerSymbol("b", "toy_layer_01_b"))
MODEL = Model("toy_run", LAYERS, input_bytes=8, output_bytes=4)
INPUTS = [bytes(range(first, first + 8)) for first in (1, 5, 7)]

# The same structure with cycles that can be counted by hand; layer b leaves by a tail call.
COUNTED = """
#define NAKED __attribute__((naked, noinline, used, aligned(4)))
NAKED void spin(void) { __asm volatile("1: subs r0, #1\\n bne 1b\\n bx lr"); }
NAKED void a(void) { __asm volatile("push {r4, lr}\\n movs r0, #8\\n bl spin\\n pop {r4, pc}"); }
NAKED void b(void) { __asm volatile("movs r0, #4\\n b spin"); }
NAKED void run(void) { __asm volatile("push {r4, lr}\\n nop\\n bl a\\n bl b\\n pop {r4, pc}"); }
NAKED void ek_model_run(const int8_t *x, int8_t *y) {
    __asm volatile("push {r4, lr}\\n mov r4, r1\\n bl run\\n movs r0, #42\\n strb r0, [r4]\\n pop {r4, pc}");
}
int ek_model_selftest(void) { int8_t y; ek_model_run(0, &y); return y != 42; }
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    image = served(TOY, tmp_path_factory.mktemp("toy"), 8, 4)
    return Emulator(image.path, BOARD)


def test_outputs_and_identity_of_the_image(toy: Emulator) -> None:
    result = toy.run(INPUTS, MODEL)
    assert result.outputs == [bytes(15 * x % 256 for x in data[:4]) for data in INPUTS]
    assert result.selftest_passed
    assert result.sha256 == hashlib.sha256(toy.image.flash_image(BOARD)).hexdigest()


def test_layers_with_a_shared_function_by_hand(tmp_path: Path) -> None:
    emulator = Emulator(served(COUNTED, tmp_path, 1, 1).path, BOARD)
    model = Model("run", (LayerSymbol("a", "a"), LayerSymbol("b", "b")), 1, 1)
    assert emulator.run([b"\0", b"\0"], model).outputs == [b"\x2a", b"\x2a"]
    cost = emulator.trace(b"\0", model).cost(BOARD.operating_point(16_000_000))
    # spin(n): n subs, n - 1 taken and one passed branch, return; a load's or store's first cycle counts as execution
    assert cost.layers == {
        "a": Cost(4 + 17, Cycles(execute=3 + 1 + 1 + 8 + 8 + 1 + 3, branch=2 + 7 * 2 + 2 + 2)),
        "b": Cost(2 + 9, Cycles(execute=1 + 1 + 4 + 4 + 1, branch=2 + 3 * 2 + 2)),
    }
    assert cost.overhead == Cost(5, Cycles(execute=3 + 1 + 1 + 1 + 3, branch=2 + 2 + 2))
    assert (cost.total.instructions, cost.total.cycles.total) == (37, 45 + 21 + 15)


def test_cost_is_per_inference_and_without_self_test(toy: Emulator) -> None:
    one, three = toy.run(INPUTS[:1], MODEL), toy.run(INPUTS, MODEL)
    traced = toy.trace(INPUTS[0], MODEL).cost(BOARD.operating_point())
    assert one.instructions == three.instructions == traced.total.instructions


def test_warm_caches_and_wait_states(tmp_path: Path) -> None:
    """All of the model fits the caches: only its first inference, which is not priced, waits for flash."""
    emulator = Emulator(served(COUNTED, tmp_path, 1, 1).path, BOARD)
    traced = emulator.trace(b"\0", Model("run", (LayerSymbol("a", "a"), LayerSymbol("b", "b")), 1, 1))
    slow, fast = (traced.cost(BOARD.operating_point(mhz * 1_000_000)) for mhz in (16, 80))
    assert slow.total == fast.total


def test_snapshots_see_layers_before_they_are_overwritten(toy: Emulator) -> None:
    shots = [Snapshot("a", "toy_arena", ((0, 8),)), Snapshot("b", "toy_arena", ((4, 4),))]
    result = toy.run(INPUTS, MODEL, shots)
    assert result.dumps["a"] == [bytes(3 * x for x in data) for data in INPUTS]
    assert result.dumps["b"] == result.outputs


def test_stack_is_measured(toy: Emulator) -> None:
    used = toy.run(INPUTS[:1], MODEL).stack_used
    assert used is not None
    assert 0 < used < 1024


def test_bytes_outside_of_frames_are_ignored(toy: Emulator) -> None:
    received = b"noise\xeb\xebI" + INPUTS[0] + b"I\xeb"
    with Machine(toy.image, BOARD, received) as machine:
        assert machine.run().sent == b"EK\0\xebO" + bytes(15 * x % 256 for x in INPUTS[0][:4])


def test_failed_self_test_is_reported(tmp_path: Path) -> None:
    emulator = Emulator(served(TOY.replace("!= 30", "== 30"), tmp_path, 8, 4).path, BOARD)
    assert not emulator.run(INPUTS, MODEL).selftest_passed


def test_wrong_input_size(toy: Emulator) -> None:
    with pytest.raises(UserError, match="input 1 has 3 bytes"):
        toy.run([INPUTS[0], b"abc"], MODEL)
    with pytest.raises(UserError, match="no input"):
        toy.run([], MODEL)


def test_wrong_output_size(toy: Emulator) -> None:
    with pytest.raises(EmulationError, match="18 bytes, 21 expected for 3 outputs"):
        toy.run(INPUTS, replace(MODEL, output_bytes=5))


def test_missing_layer_symbol(toy: Emulator) -> None:
    with pytest.raises(UserError, match="symbol 'toy_layer_09' is missing"):
        toy.run(INPUTS, replace(MODEL, layers=(LayerSymbol("c", "toy_layer_09"),)))


def test_run_function_that_is_never_called(toy: Emulator) -> None:
    with pytest.raises(EmulationError, match="the model ran 0 times for 3 inputs"):
        toy.run(INPUTS, replace(MODEL, run="Default_Handler"))


def test_binary_of_another_build(toy: Emulator, tmp_path: Path) -> None:
    binary = tmp_path / "firmware.bin"
    binary.write_bytes(toy.flash)
    Emulator(toy.image.path, BOARD, binary)
    binary.write_bytes(toy.flash + b"\0")
    with pytest.raises(UserError, match="differs from"):
        Emulator(toy.image.path, BOARD, binary)


def test_host_is_not_emulated(toy: Emulator) -> None:
    with pytest.raises(UserError, match="board 'host' is not emulated"):
        Emulator(toy.image.path, load_board("host"))


def test_error_in_a_callback_ends_the_run(toy: Emulator) -> None:
    def leave(context: int, run: int) -> None:
        raise KeyboardInterrupt

    received = b"\xebI" + INPUTS[0]
    contexts = toy.contexts(MODEL)
    with pytest.raises(KeyboardInterrupt), Machine(toy.image, BOARD, received, contexts, leave=leave) as machine:
        machine.run()
