"""Fits recover what made-up measurements were made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.boards import load_board
from edgekit.calibration.fit import cycles_of, fit_currents, fit_cycles, widest
from edgekit.calibration.rows import Row
from edgekit.emulate.profile import Bounds, profile
from edgekit.emulate.timing import CORES
from tests.edgekit.emulate.images import FINISH, program


def row(name: str, cycles: float | None = None, power: float | None = None, platform: str = "STM32L4R5") -> Row:
    return Row(name, platform, "net", "made up", 120.0, 1.8, cycles, None, power, None)


def events(scale: int, taken: int, fills: int) -> dict[str, Any]:
    none = dict.fromkeys(("ram_fetch", "ram_data", "write_back", "mispredicted"), 0)
    own = {"execute": 1000 * scale, "load_use": 200 * scale, "taken": taken, "taken_wide": 10, "unaligned": 7}
    reads = {"flash_fetch": fills // 4, "flash_data": fills - fills // 4, "hidden": {"3": fills, "20": 99}}
    return {**none, **own, **reads}


EVENTS = {"a": events(1, 90, 200), "b": events(5, 300, 90), "c": events(3, 800, 1000), "d": events(2, 10, 400)}


def test_cycles_by_hand() -> None:
    # 5 wait states at 120 MHz, a wide target costs 1, a read of flash 5 + 1, less what the core has to do meanwhile
    expected = 1000 + 200 + 7 + 10 + 90 * 2 + 200 * 6 + 200 * (6 - 3)
    assert cycles_of(row("a", 1.0), EVENTS["a"], 2, 1) == expected


PROGRAM = """
void finish(void);
static const signed char table[3000] = {1, 2, 3};
static int sums[20000]; /* goes beyond the DTCM of the STM32F756 */
__attribute__((noinline)) static int sum(int step) {
    int result = 0;
    for (int i = 0; i < 3000; i += step) { sums[6 * i] += table[i] / step; result += sums[6 * (2999 - i)]; }
    return result;
}
int main(void) {
    for (int step = 1; step < 40; step++) { sums[step] = sum(step); }
    __asm volatile(".rept 600\\n nop\\n .endr");
    finish();
    return 0;
}
"""


@pytest.mark.parametrize("prefetch", [False, True])
@pytest.mark.parametrize("name", ["stm32l475", "stm32f756"])
def test_a_row_is_priced_as_its_profile_is(name: str, prefetch: bool, tmp_path: Path) -> None:
    board = load_board(name)
    enable = "int main(void) { *(volatile int *)0x40022000 |= 1 << 8;" if prefetch else "int main(void) {"
    image = program(PROGRAM.replace("int main(void) {", enable) + FINISH, tmp_path, board=board)
    result = profile(image.path, board, Bounds())
    costs = result.cost(board.operating_point())
    mine = Row("a", name.upper(), "net", "-", (board.clock_hz or 0) / 1e6, 3.3, 1.0, None, None, None)
    assert board.flash_timing is not None
    own = CORES[board.core].taken, board.flash_timing.fill_overhead
    assert cycles_of(mine, result.events(), *own) == sum(cost.cycles.total for cost in costs.values())
    assert (result.events()["ram_data"] > 0) == (name == "stm32f756")
    assert result.finished.prefetches == (prefetch and name == "stm32l475")


def test_the_fit_finds_what_the_rows_were_made_with() -> None:
    rows = [row(name, cycles_of(row(name, 1.0), counted, 1.5, 2.5)) for name, counted in EVENTS.items()]
    (fit,) = fit_cycles(rows, EVENTS)
    assert (fit.core, fit.board_taken, fit.board_overhead) == ("cortex-m4f", 2, 2)
    assert fit.alike == (2.5, 2.5)
    assert fit.rms == pytest.approx(0, abs=1e-9)
    assert (fit.taken, fit.overhead) == pytest.approx((1.5, 2.5))
    assert [residual.fitted_percent for residual in fit.residuals] == pytest.approx([0] * 4, abs=1e-9)
    expected = [100 * (cycles_of(r, EVENTS[r.id], 2, 2) / (r.cycles or 1) - 1) for r in rows]
    assert [residual.percent for residual in fit.residuals] == pytest.approx(expected)
    assert widest(fit.residuals) == max(map(abs, expected))


def test_rows_without_events_or_board_are_left_out() -> None:
    assert fit_cycles([row("x", 5.0), row("a", 5.0, platform="ESP32"), row("b")], EVENTS) == []


def test_clusters_are_no_flash_and_no_one_current() -> None:
    rows = [row("a", 5.0, 48.0, platform="GAP8")]
    assert (fit_cycles(rows, EVENTS), fit_currents(rows)) == ([], [])


def test_currents() -> None:
    rows = [row("a", power=36.0), row("b", power=43.2), row("c", power=120.0, platform="STM32H7A3"), row("d")]
    own, other = fit_currents(rows)
    assert (own.platform, own.ua_per_mhz) == ("STM32L4R5", pytest.approx((20 + 24) / 2 / 120 * 1e3))
    assert own.board_ua_per_mhz == pytest.approx(187)
    assert [r.percent for r in own.residuals] == pytest.approx([100 * (22.44 / 20 - 1), 100 * (22.44 / 24 - 1)])
    assert (other.platform, other.board_ua_per_mhz) == ("STM32H7A3", None)
