from __future__ import annotations

import pytest

from deploy.boards import load_board
from deploy.operating_point import ClusterPower, OperatingPoint, VoltageRange, candidates, choose
from quant.errors import UserError

FAST = VoltageRange("fast", 2_000_000, ((20_000_000, 0), (40_000_000, 1)), 0.5, 100.0, "-")
SLOW = VoltageRange("slow", 1_000_000, ((10_000_000, 1), (15_000_000, 2)), 0.2, 80.0, "-")


@pytest.mark.parametrize(
    ("clock", "name", "states", "current"),
    [
        (40_000_000, None, 1, 0.5 + 4.0),
        (20_000_001, None, 1, 0.5 + 2.0000001),
        (20_000_000, None, 0, 0.5 + 2.0),
        (15_000_000, None, 0, 0.5 + 1.5),
        (15_000_000, "slow", 2, 0.2 + 1.2),
        (1_500_000, None, 1, 0.2 + 0.12),
    ],
)
def test_a_clock_has_wait_states_and_a_current(clock: int, name: str | None, states: int, current: float) -> None:
    point = choose("board", (FAST, SLOW), clock, name)
    assert point.wait_states == states
    assert point.run_ma == pytest.approx(current)
    assert point.clock_hz == clock


def test_clocks_out_of_range_are_refused() -> None:
    with pytest.raises(UserError, match="41 MHz is not possible") as caught:
        choose("board", (FAST, SLOW), 41_000_000, None)
    assert "2 to 40 MHz in fast, 1 to 15 MHz in slow" in str(caught.value)
    with pytest.raises(UserError, match="20 MHz is not possible"):
        choose("board", (FAST, SLOW), 20_000_000, "slow")
    with pytest.raises(UserError, match="did you mean 'slow'"):
        choose("board", (FAST, SLOW), 10_000_000, "sloww")


def test_candidates_are_the_fastest_clocks_of_every_number_of_wait_states() -> None:
    points = [(point.range, point.clock_hz, point.wait_states) for point in candidates((FAST, SLOW))]
    assert points == [
        ("fast", 20_000_000, 0),
        ("fast", 40_000_000, 1),
        ("slow", 10_000_000, 1),
        ("slow", 15_000_000, 2),
    ]


@pytest.mark.parametrize(
    ("mhz", "states"), [(1, 0), (16, 0), (17, 1), (32, 1), (48, 2), (49, 3), (64, 3), (65, 4), (80, 4)]
)
def test_stm32l475_range_1(mhz: int, states: int) -> None:
    point = load_board("stm32l475").operating_point(mhz * 1_000_000)
    assert (point.range, point.wait_states) == ("range 1", states)


@pytest.mark.parametrize("text", ["range 2", "2"])
def test_the_end_of_a_range_s_name_is_enough(text: str) -> None:
    assert load_board("stm32l475").operating_point(26_000_000, text).range == "range 2"
    with pytest.raises(UserError, match="unknown voltage range 'ge 2'"):
        load_board("stm32l475").operating_point(26_000_000, "ge 2")


def test_a_board_starts_at_its_own_clock() -> None:
    point = load_board("stm32l475").operating_point()
    assert isinstance(point, OperatingPoint)
    assert (point.clock_hz, point.wait_states) == (80_000_000, 4)


LAW = ClusterPower(static_mw=10.0, dynamic_mw_per_mhz=0.4, resting=0.25, source="-")


@pytest.mark.parametrize(
    ("volts", "mhz", "awake", "mw"),
    [
        (1.0, 100, 1.0, 10 + 40),
        (1.0, 100, 0.0, 10 + 10),
        (1.0, 100, 0.5, 10 + 10 + 15),
        (1.2, 100, 1.0, 1.44 * 50),
        (1.2, 0, 1.0, 14.4),
    ],
)
def test_power_of_a_cluster_by_hand(volts: float, mhz: int, awake: float, mw: float) -> None:
    assert LAW.mw(volts, mhz * 1e6, awake) == pytest.approx(mw)


def test_a_range_of_a_cluster_gives_the_currents_of_its_law() -> None:
    one = LAW.range("1.2 V", 1.2, 3.0, 1_000_000, [50_000_000, 80_000_000], "-")
    for hz in (1_000_000, 50_000_000, 80_000_000):
        for awake in (0.0, 0.125, 0.5, 1.0):
            assert 3.0 * one.at(hz).current_ma(awake) == pytest.approx(LAW.mw(1.2, hz, awake))
    assert one.highest_hz == 80_000_000
    assert [point.clock_hz for point in candidates([one])] == [50_000_000, 80_000_000]


def test_without_a_cluster_time_counts_as_computing() -> None:
    point = FAST.at(20_000_000)
    assert {point.current_ma(awake) for awake in (0.0, 0.5, 1.0)} == {point.run_ma}


@pytest.mark.parametrize("text", ["1.0 V", "1.0V", "1.0v", "1.0"])
def test_a_voltage_names_its_range(text: str) -> None:
    point = load_board("gap8").operating_point(50_000_000, text)
    assert (point.range, point.wait_states) == ("1.0 V", 0)


@pytest.mark.parametrize(
    ("board", "name", "mhz", "range_"),
    [
        ("gap8", None, 100, "1.0 V"),
        ("gap8", None, 101, "1.2 V"),
        ("gap8", None, None, "1.2 V"),
        ("gap8", "1.2", 60, "1.2 V"),
        ("gap9", None, 240, "0.65 V"),
        ("gap9", None, None, "0.8 V"),
        ("mrwolf", None, 50, "0.8 V"),
        ("mrwolf", None, 100, "1.2 V"),
    ],
)
def test_the_lowest_voltage_that_allows_a_clock(board: str, name: str | None, mhz: int | None, range_: str) -> None:
    assert load_board(board).operating_point(mhz and mhz * 1_000_000, name).range == range_


def test_clocks_that_no_voltage_allows() -> None:
    with pytest.raises(UserError, match="176 MHz is not possible") as caught:
        load_board("gap8").operating_point(176_000_000)
    assert "1 to 100 MHz in 1.0 V, 1 to 175 MHz in 1.2 V" in str(caught.value)
    with pytest.raises(UserError, match="100 MHz is not possible"):
        load_board("mrwolf").operating_point(100_000_000, "0.8")
    with pytest.raises(UserError, match=r"unknown voltage range '0\.9'"):
        load_board("gap9").operating_point(voltage_range="0.9")
