"""The law of a cluster's power: refitted from made-up rows, and held against those that come with EdgeKit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy.boards import Board, load_board
from deploy.operating_point import ClusterPower
from edgekit.calibration.fit import widest
from edgekit.calibration.power import PowerFit, fit_power
from edgekit.calibration.rows import Row, read_rows

WOLF = ClusterPower(7.0, 0.30, 0.20, "made up")
GAP8 = ClusterPower(0.45 * 7.0 / 0.30, 0.45, 0.20, "made up")  # divides as Mr. Wolf's does
GAP9 = ClusterPower(12.0, 0.15, 0.20, "made up")


def row(
    board: str, law: ClusterPower, mhz: float, volts: float | None, awake: float | None, mixed: float | None = None
) -> Row:
    share = awake if mixed is None else mixed
    power = law.mw(volts or 1.2, mhz * 1e6, share or 0.0)
    return Row(f"{board}-{mhz}", board, "-", "made up", mhz, volts, None, None, power, None, awake)


def law_of(board: Board) -> ClusterPower:
    assert board.power is not None and board.power.cluster is not None
    return board.power.cluster


ROWS = [
    row("mrwolf", WOLF, 50, 0.8, 0.9),
    row("mrwolf", WOLF, 350, 1.2, 0.6),
    row("gap8", GAP8, 100, 1.0, 1.0),
    row("gap8", GAP8, 100, 1.0, 0.0),
    row("gap9", GAP9, 240, 0.65, 1.0),
    row("gap9", GAP9, 370, 0.8, 1.0),
]


def by_board(rows: list[Row]) -> dict[str, PowerFit]:
    return {fit.board.name: fit for fit in fit_power(rows)}


def test_the_law_that_made_the_rows_is_found() -> None:
    fits = by_board(ROWS)
    for name, law in (("mrwolf", WOLF), ("gap8", GAP8), ("gap9", GAP9)):
        found = fits[name].fitted
        assert (found.static_mw, found.dynamic_mw_per_mhz, found.resting) == pytest.approx(
            (law.static_mw, law.dynamic_mw_per_mhz, law.resting), rel=1e-4
        )
        assert fits[name].law == law_of(load_board(name))


def test_what_no_row_tells_stays() -> None:
    (fit,) = fit_power(ROWS[4:])
    assert fit.fitted.resting == pytest.approx(law_of(load_board("gap9")).resting)
    assert fit.fitted.static_mw == pytest.approx(GAP9.static_mw, rel=1e-4)
    assert fit_power([]) == []


def test_checks_are_compared_and_change_nothing() -> None:
    wrong = replace(row("gap9", GAP9, 300, 0.8, 1.0), power_mw=500.0, check=True)
    fit = by_board([*ROWS, wrong])["gap9"]
    assert fit.fitted == by_board(ROWS)["gap9"].fitted
    assert [r.row.id for r in fit.residuals] == ["gap9-240", "gap9-370", "gap9-300"]


def test_a_mixed_row_is_explained_by_a_share() -> None:
    law = law_of(load_board("gap8"))
    fit = by_board([*ROWS, row("gap8", law, 100, 1.0, None, mixed=0.6)])["gap8"]
    ((_, share),) = fit.explained
    assert share == pytest.approx(0.6)
    assert len(fit.residuals) == 2


def test_without_a_voltage_the_board_s_own_counts() -> None:
    law = law_of(load_board("mrwolf"))
    (fit,) = fit_power([row("mrwolf", law, 100, None, 1.0)])  # 100 MHz needs 1.2 V
    assert widest(fit.residuals) == pytest.approx(0.0, abs=1e-9)


def test_the_boards_follow_the_measurements() -> None:
    fits = by_board(read_rows())
    assert set(fits) == {"gap8", "gap9", "mrwolf"}
    for fit in fits.values():
        assert fit.board.bands is not None
        assert widest(fit.residuals) <= fit.board.bands.current_percent
        own = (fit.law.static_mw, fit.law.dynamic_mw_per_mhz, fit.law.resting)
        fitted = (fit.fitted.static_mw, fit.fitted.dynamic_mw_per_mhz, fit.fitted.resting)
        assert own == pytest.approx(fitted, rel=0.01)
    assert all(0 < share < 1 for _, share in fits["gap8"].explained)
    assert any(r.row.check for r in fits["mrwolf"].residuals)
