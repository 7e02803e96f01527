"""Energy and battery life by hand."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from deploy.boards import Idle, load_board
from deploy.operating_point import OperatingPoint
from edgekit.energy import (
    Duty,
    average_ua,
    battery,
    energy_mj,
    frequency,
    latency_ms,
    milliampere_hours,
    seconds,
)
from quant.errors import UserError

BOARD = load_board("stm32l475")
POINT = replace(BOARD.operating_point(), clock_hz=80_000_000, run_ma=10.0)


def board(cycles: float = 10, current: float = 20, sleep_ua: float = 2.0, wake_us: float = 0.0) -> object:
    assert BOARD.power and BOARD.bands
    idle = (Idle("stop", "-", sleep_ua, 0.0, wake_us, "-"), Idle("sleep", "-", 100.0, 30.0, 0.0, "-"))
    power = replace(BOARD.power, supply_v=3.0, idle=idle)
    return replace(BOARD, power=power, bands=replace(BOARD.bands, cycles_percent=cycles, current_percent=current))


def test_time_and_energy() -> None:
    time, energy = latency_ms(board(), POINT, 800_000), energy_mj(board(), POINT, 800_000)
    assert (time.value, time.low, time.high) == pytest.approx((10.0, 9.0, 11.0))
    # 10 mA at 3 V are 30 mW
    assert (energy.value, energy.low, energy.high) == pytest.approx((0.3, 0.3 * 0.9 * 0.8, 0.3 * 1.1 * 1.2))


def test_mean_current_and_battery_life() -> None:
    # 10 mA for 10 ms of every second, 2 uA for the rest
    current = (10.0 * 10_000 + 990 * 2) / 1000
    assert average_ua(board(), POINT, 0.010, Duty()) == pytest.approx(current)
    life = battery(board(0, 0), POINT, 800_000, Duty(1.0, 100.0))
    assert life["battery_days"] == pytest.approx(100_000 / current / 24)
    assert life["battery_days_low"] == life["battery_days_high"] == life["battery_days"]
    assert life["active_share"] == pytest.approx(0.01)
    assert life["in_time"]


def test_waking_up_costs_run_current() -> None:
    awake = average_ua(board(wake_us=5000), POINT, 0.010, Duty())
    assert awake == pytest.approx((10.0 * 15_000 + 985 * 2) / 1000)


def test_idle_modes() -> None:
    # 80 MHz: 100 + 30 * 80 uA for 990 of 1000 ms
    asleep = average_ua(board(), POINT, 0.010, Duty(idle="sleep"))
    assert asleep == pytest.approx((10.0 * 10_000 + 990 * 2500) / 1000)
    with pytest.raises(UserError, match="did you mean 'sleep'"):
        average_ua(board(), POINT, 0.010, Duty(idle="slep"))


def test_the_band_of_battery_life_is_ordered() -> None:
    life = battery(board(), POINT, 800_000, Duty())
    assert life["battery_days_low"] < life["battery_days"] < life["battery_days_high"]


def test_an_inference_longer_than_its_period_never_sleeps() -> None:
    life = battery(board(), POINT, 800_000, Duty(period_s=0.005))
    assert not life["in_time"]
    assert life["average_ua"] == pytest.approx(10_000)


def test_a_band_that_reaches_over_the_period_is_too_slow() -> None:
    assert not battery(board(), POINT, 800_000, Duty(period_s=0.0105))["in_time"]
    assert battery(board(), POINT, 800_000, Duty(period_s=0.0111))["in_time"]


# A cluster: 10 mA while all its cores compute, 4 mA while they sleep, 2 ms until it runs
CLUSTER_POINT = OperatingPoint(100_000_000, "-", 0, 10.0, 4.0)


def cluster_board() -> object:
    assert BOARD.power and BOARD.bands
    power = replace(BOARD.power, supply_v=3.0, idle=(Idle("off", "-", 5.0, 0.0, 0.0, "-", start_us=2000.0),))
    return replace(BOARD, power=power, bands=replace(BOARD.bands, cycles_percent=35, cycles_below_percent=5))


def test_a_band_need_not_be_symmetric() -> None:
    time = latency_ms(cluster_board(), CLUSTER_POINT, 1_000_000)
    assert (time.value, time.low, time.high) == pytest.approx((10.0, 9.5, 13.5))


@pytest.mark.parametrize(("awake", "current"), [(1.0, 10.0), (0.0, 4.0), (0.75, 8.5)])
def test_cores_that_sleep_save_power(awake: float, current: float) -> None:
    energy = energy_mj(cluster_board(), CLUSTER_POINT, 1_000_000, awake)
    assert energy.value == pytest.approx(current * 3.0 * 0.010)


def test_a_cluster_is_started_for_each_inference() -> None:
    # 8.5 mA for 10 ms, 4 mA for the 2 ms before, 5 uA for the rest of the second
    mean = average_ua(cluster_board(), CLUSTER_POINT, 0.010, Duty(), awake=0.75)
    assert mean == pytest.approx((8500 * 10 + 4000 * 2 + 5 * 988) / 1000)


def test_a_cluster_that_has_no_time_to_rest_stays_on() -> None:
    assert average_ua(cluster_board(), CLUSTER_POINT, 0.010, Duty(0.011)) == pytest.approx((100_000 + 4000) / 11)
    assert average_ua(cluster_board(), CLUSTER_POINT, 0.010, Duty(0.005)) == pytest.approx(10_000)


@pytest.mark.parametrize(
    ("text", "hz"),
    [("16MHz", 16_000_000), ("16 mhz", 16_000_000), ("80e6", 80_000_000), ("32kHz", 32_000), ("5M", 5_000_000)],
)
def test_clocks(text: str, hz: int) -> None:
    assert frequency(text) == hz


def test_periods_and_capacities() -> None:
    assert [seconds(text) for text in ("1", "1s", "250ms", "5min", "1h")] == [1, 1, 0.25, 300, 3600]
    assert [milliampere_hours(text) for text in ("100", "100mAh", "1.2Ah")] == [100, 100, 1200]


@pytest.mark.parametrize("text", ["", "fast", "-1MHz", "0", "1.2.3", "16MHzz", "nan", "inf"])
def test_what_is_no_quantity(text: str) -> None:
    for kind in (frequency, seconds, milliampere_hours):
        with pytest.raises(argparse.ArgumentTypeError, match="positive quantity"):
            kind(text)
