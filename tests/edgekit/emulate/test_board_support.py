"""The board's clock and UART set-up, seen by the firmware itself: its self-test reads the registers back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.boards import Board
from edgekit.emulate.cortex_m import EmulationResult, Emulator, Model
from tests.edgekit.emulate.images import BOARD, served

SOURCE = """
#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
__attribute__((noinline)) void run(const int8_t *x, int8_t *y) { y[0] = (int8_t)(x[0] + 1); }
void ek_model_run(const int8_t *x, int8_t *y) { run(x, y); }
int ek_model_selftest(void) {
    int latency = (int)(REG(0x40022000u) & 7u), clock = (int)(REG(0x40021008u) >> 2 & 3u);
    int source = (int)(REG(0x4002100Cu) & 3u), rate = (int)REG(0x4001380Cu);
    return latency != LATENCY || clock != CLOCK || source != SOURCE || rate != RATE;
}
"""
MODEL = Model("run", (), 1, 1)
MSI, PLL = 0, 3
FROM_MSI, FROM_HSI16 = 1, 2


def run(board: Board, folder: Path, **expected: int) -> EmulationResult:
    constants = "".join(f"#define {name.upper()} {value}\n" for name, value in expected.items())
    image = served(constants + SOURCE, folder, 1, 1)
    return Emulator(image.path, board).run([b"\x05"], MODEL)


def never_ready(bit: int) -> Board:
    """A board on which the ready flag at this bit of RCC_CR stays 0."""

    devices = tuple(
        replace(device, follow=tuple(rule for rule in device.follow if (rule.register, rule.bit) != (0, bit)))
        for device in BOARD.peripherals
    )
    return replace(BOARD, peripherals=devices)


def test_80_mhz_from_the_internal_oscillator(tmp_path: Path) -> None:
    result = run(BOARD, tmp_path, latency=4, clock=PLL, source=FROM_HSI16, rate=694)
    assert result.selftest_passed
    assert result.outputs == [b"\x06"]


@pytest.mark.parametrize(
    ("bit", "clock", "source", "rate"),
    [(10, PLL, FROM_MSI, 694), (25, MSI, FROM_HSI16, 35)],
    ids=["no HSI16: PLL from MSI", "no PLL: stays at 4 MHz"],
)
def test_clock_failures_do_not_hang(bit: int, clock: int, source: int, rate: int, tmp_path: Path) -> None:
    result = run(never_ready(bit), tmp_path, latency=4, clock=clock, source=source, rate=rate)
    assert result.selftest_passed
    assert result.outputs == [b"\x06"]
