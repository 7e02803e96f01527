"""The boards' clock and UART set-up, seen by the firmware itself: its self-test reads the registers back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.boards import Board, load_board
from edgekit.emulate.cortex_m import EmulationResult, Emulator, Model
from tests.edgekit.emulate.images import served

SOURCE = """
#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
__attribute__((noinline)) void run(const int8_t *x, int8_t *y) { y[0] = (int8_t)(x[0] + 1); }
void ek_model_run(const int8_t *x, int8_t *y) { run(x, y); }
int ek_model_selftest(void) { return CHECKS; }
"""
MODEL = Model("run", (), 1, 1)


@dataclass(frozen=True)
class Field:
    """A register field: address, lowest bit, mask."""

    address: int
    bit: int
    mask: int


FIELDS = {
    "stm32l475": {
        "latency": Field(0x40022000, 0, 7),
        "clock": Field(0x40021008, 2, 3),
        "source": Field(0x4002100C, 0, 3),
        "rate": Field(0x4001380C, 0, 0xFFFF),
    },
    "stm32f756": {
        "latency": Field(0x40023C00, 0, 15),
        "clock": Field(0x40023808, 2, 3),
        "factors": Field(0x40023804, 0, 0xFFFFFFFF),
        "over-drive": Field(0x40007004, 16, 3),
        "caches": Field(0xE000ED14, 16, 3),
        "rate": Field(0x4000480C, 0, 0xFFFF),
    },
}
PLL_216 = 8 | 216 << 6 | 9 << 24 | 1 << 29  # with a reserved bit that is 1 after reset
L475_MSI, L475_HSI16, L475_PLL = 1, 2, 3
F756_PLL = 2


def run(board: Board, folder: Path, expected: dict[str, int]) -> EmulationResult:
    fields = FIELDS[board.name]
    checks = [
        f"(REG(0x{fields[name].address:x}u) >> {fields[name].bit} & {fields[name].mask}u) != {value}u"
        for name, value in expected.items()
    ]
    image = served(SOURCE.replace("CHECKS", " || ".join(checks)), folder, 1, 1, board=board)
    return Emulator(image.path, board).run([b"\x05"], MODEL)


def never_ready(name: str, peripheral: str, register: int, bit: int) -> Board:
    """A board on which the flag that follows this control bit stays 0."""
    board = load_board(name)
    devices = tuple(
        replace(device, follow=tuple(rule for rule in device.follow if (rule.register, rule.of) != (register, bit)))
        if device.name == peripheral
        else device
        for device in board.peripherals
    )
    assert devices != board.peripherals
    return replace(board, peripherals=devices)


CASES = {
    "stm32l475 at 80 MHz from HSI16": (
        load_board("stm32l475"),
        {"latency": 4, "clock": L475_PLL, "source": L475_HSI16, "rate": 694},
    ),
    "stm32l475 without HSI16: PLL from MSI": (
        never_ready("stm32l475", "RCC", 0, 8),
        {"latency": 4, "clock": L475_PLL, "source": L475_MSI, "rate": 694},
    ),
    "stm32l475 without PLL: stays at 4 MHz": (
        never_ready("stm32l475", "RCC", 0, 24),
        {"latency": 4, "clock": 0, "source": L475_HSI16, "rate": 35},
    ),
    "stm32f756 at 216 MHz": (
        load_board("stm32f756"),
        {"latency": 7, "clock": F756_PLL, "factors": PLL_216, "over-drive": 3, "caches": 3, "rate": 469},
    ),
    "stm32f756 without PLL: stays at 16 MHz": (
        never_ready("stm32f756", "RCC", 0, 24),
        {"latency": 0, "clock": 0, "over-drive": 0, "caches": 3, "rate": 139},
    ),
    "stm32f756 without regulator: stays at 16 MHz": (
        never_ready("stm32f756", "PWR", 0, 14),
        {"latency": 0, "clock": 0, "over-drive": 0, "rate": 139},
    ),
    "stm32f756 without over-drive: stays at 16 MHz": (
        never_ready("stm32f756", "PWR", 0, 16),
        {"latency": 0, "clock": 0, "over-drive": 0, "rate": 139},
    ),
    "stm32f756 without over-drive switch: stays at 16 MHz": (
        never_ready("stm32f756", "PWR", 0, 17),
        {"latency": 0, "clock": 0, "over-drive": 1, "rate": 139},
    ),
    "stm32f756 without clock switch: 4 MHz on the bus": (
        never_ready("stm32f756", "RCC", 8, 0),
        {"latency": 7, "clock": 0, "rate": 35},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_clock_and_uart(case: str, tmp_path: Path) -> None:
    board, expected = CASES[case]
    result = run(board, tmp_path, expected)
    assert result.selftest_passed
    assert result.outputs == [b"\x06"]
