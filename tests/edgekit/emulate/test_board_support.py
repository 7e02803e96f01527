"""The boards' clock and UART set-up, seen by the firmware itself: its self-test reads the registers back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.boards import Board
from edgekit.emulate.cortex_m import Emulator, Model
from tests.edgekit.emulate.images import BOARDS, served

SOURCE = """
#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
__attribute__((noinline)) void run(const int8_t *x, int8_t *y) { y[0] = (int8_t)(x[0] + 1); }
void ek_model_run(const int8_t *x, int8_t *y) { run(x, y); }
"""
MODEL = Model("run", (), 1, 1)

# What is read back: address, lowest bit, mask.
FIELDS = {
    "stm32l475": {
        "latency": (0x40022000, 0, 0x7),
        "clock": (0x40021008, 2, 0x3),
        "source": (0x4002100C, 0, 0x3),
        "rate": (0x4001380C, 0, 0xFFFF),
    },
    "stm32f756": {
        "latency": (0x40023C00, 0, 0xF),
        "clock": (0x40023808, 2, 0x3),
        "prescalers": (0x40023808, 4, 0xFFF),
        "pll": (0x40023804, 0, 0xFFFFFFFF),
        "overdrive": (0x40007000, 14, 0xF),
        "rate": (0x4000480C, 0, 0xFFFF),
        "rate source": (0x40023890, 4, 0x3),
        "caches": (0xE000ED14, 16, 0x3),
        "last line invalidated": (0xE000EF60, 0, 0xFFFFFFFF),
    },
}
MSI, HSI, PLL_L4, PLL_F7 = 0, 0, 3, 2
FROM_MSI, FROM_HSI16 = 1, 2
SCALE1, OVERDRIVE = 0b0011, 0b1111
APB_DIV4_DIV2 = 0b100_101_00_0000


@dataclass(frozen=True)
class Case:
    """What the registers hold after start-up on a board where the flag at ``never`` (peripheral, bit) stays 0."""

    board: str
    expected: dict[str, int]
    never: tuple[str, int] | None = None


F756 = {
    "latency": 7,
    "clock": PLL_F7,
    "prescalers": APB_DIV4_DIV2,
    "pll": 0x2900_3608,  # reserved bit 29, Q 9, HSI, P 2, N 216, M 8
    "overdrive": OVERDRIVE,
    "rate": 139,
    "rate source": 2,
    "caches": 3,
    "last line invalidated": 31 << 5 | 3 << 30,
}
F756_RESET = {**F756, "latency": 0, "clock": HSI, "prescalers": 0, "overdrive": SCALE1}
CASES = {
    "80 MHz": Case("stm32l475", {"latency": 4, "clock": PLL_L4, "source": FROM_HSI16, "rate": 694}),
    "no HSI16: PLL from MSI": Case(
        "stm32l475", {"latency": 4, "clock": PLL_L4, "source": FROM_MSI, "rate": 694}, ("RCC", 10)
    ),
    "no PLL: stays at 4 MHz": Case(
        "stm32l475", {"latency": 4, "clock": MSI, "source": FROM_HSI16, "rate": 35}, ("RCC", 25)
    ),
    "216 MHz": Case("stm32f756", F756),
    "no PLL: stays at 16 MHz": Case("stm32f756", F756_RESET, ("RCC", 25)),
    "no regulator: stays at 16 MHz": Case("stm32f756", F756_RESET, ("PWR", 14)),
    "no over-drive: stays at 16 MHz": Case("stm32f756", {**F756_RESET, "overdrive": 0b0111}, ("PWR", 16)),
    "no over-drive switch: stays at 16 MHz": Case("stm32f756", {**F756_RESET, "overdrive": OVERDRIVE}, ("PWR", 17)),
    "no clock switch: stays at 16 MHz": Case("stm32f756", {**F756, "clock": HSI}, ("RCC", 2)),
}


def never_ready(board: Board, name: str, bit: int) -> Board:
    """A board on which the status field at this bit of a peripheral stays 0."""
    devices = tuple(
        replace(device, follow=tuple(rule for rule in device.follow if (device.name, rule.bit) != (name, bit)))
        for device in board.peripherals
    )
    assert devices != board.peripherals
    return replace(board, peripherals=devices)


def selftest(case: Case) -> str:
    """C function that compares the registers with what is expected; it fails at the first difference."""
    fields = FIELDS[case.board]
    assert case.expected.keys() == fields.keys()
    differences = (
        f"(REG(0x{address:08x}u) >> {shift} & 0x{mask:x}u) != {case.expected[name]}u"
        for name, (address, shift, mask) in fields.items()
    )
    return f"int ek_model_selftest(void) {{ return {' || '.join(differences)}; }}\n"


@pytest.mark.parametrize("what", CASES)
def test_clock_and_uart_with_and_without_failures(what: str, tmp_path: Path) -> None:
    case = CASES[what]
    board = BOARDS[case.board] if case.never is None else never_ready(BOARDS[case.board], *case.never)
    image = served(SOURCE + selftest(case), tmp_path, 1, 1, board=board)
    result = Emulator(image.path, board).run([b"\x05"], MODEL)
    assert result.selftest_passed
    assert result.outputs == [b"\x06"]
