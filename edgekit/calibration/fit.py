"""Refits what the cost model takes from measurements, and says how far it is from every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.calibration.rows import Row
from edgekit.emulate.timing import CORES


@dataclass(frozen=True)
class Residual:
    """One row against the model: ``percent`` is model / measured - 1, in percent."""

    row: Row
    measured: float
    model: float
    fitted: float

    @property
    def percent(self) -> float:
        return 100 * (self.model / self.measured - 1)

    @property
    def fitted_percent(self) -> float:
        return 100 * (self.fitted / self.measured - 1)


@dataclass(frozen=True)
class CycleFit:
    """Branch refill and what a flash read costs beyond its wait states, in cycles, fitted to measured cycles.

    Attributes:
        taken, overhead: the fit; ``board_taken`` and ``board_overhead`` are what the model uses.
        separable: ratio of the fit's singular values; near 0 the rows cannot tell the two apart.
    """

    core: str
    taken: float
    overhead: float
    board_taken: float
    board_overhead: float
    separable: float
    residuals: tuple[Residual, ...]


@dataclass(frozen=True)
class CurrentFit:
    """Supply current under load of one platform: mean of its rows in uA/MHz, and what the board's data say."""

    platform: str
    ua_per_mhz: float
    board_ua_per_mhz: float | None
    residuals: tuple[Residual, ...]


def cycles_of(row: Row, events: Mapping[str, int], taken: float, overhead: float) -> float:
    """The model's cycles for a row; see :mod:`edgekit.emulate.pricing`."""
    fixed, fills, states = _parts(row, events)
    return fixed + events["taken"] * taken + fills * (states + overhead)


def _parts(row: Row, events: Mapping[str, int]) -> tuple[int, int, int]:
    """Cycles that are not fitted, reads of flash, wait states of each."""
    board = row.board
    assert board is not None
    core, states = CORES[board.core], board.operating_point(round(row.clock_mhz * 1e6)).wait_states
    fixed = events["execute"] + events["load_use"] + events["unaligned"] * core.unaligned
    fixed += events["taken_wide"] * core.taken_wide + events["mispredicted"] * core.mispredicted
    return fixed, events["flash_fetch"] + events["flash_data"], states


def fit_cycles(rows: Sequence[Row], events: Mapping[str, Mapping[str, int]]) -> list[CycleFit]:
    """One fit per core over the rows with measured cycles whose events are known; relative errors count."""
    fits = []
    usable = [row for row in rows if row.cycles and row.id in events and row.board is not None]
    for core in sorted({row.board.core for row in usable if row.board}):
        mine = [row for row in usable if row.board and row.board.core == core]
        matrix, target = [], []
        for row in mine:
            assert row.cycles is not None
            fixed, fills, states = _parts(row, events[row.id])
            matrix.append([events[row.id]["taken"] / row.cycles, fills / row.cycles])
            target.append(1 - (fixed + fills * states) / row.cycles)
        (taken, overhead), _, _, singular = np.linalg.lstsq(np.array(matrix), np.array(target), rcond=None)
        board = mine[0].board
        assert board is not None and board.flash_timing is not None
        own = float(CORES[core].taken), float(board.flash_timing.fill_overhead)
        residuals = tuple(
            Residual(
                row,
                row.cycles or 0,
                cycles_of(row, events[row.id], *own),
                cycles_of(row, events[row.id], taken, overhead),
            )
            for row in mine
        )
        separable = float(singular[-1] / singular[0]) if len(singular) > 1 else 0.0
        fits.append(CycleFit(core, float(taken), float(overhead), *own, separable, residuals))
    return fits


def fit_currents(rows: Sequence[Row]) -> list[CurrentFit]:
    """One fit per Cortex-M platform and clock region with measured power; energy follows current times voltage."""
    fits = []
    usable = [row for row in rows if row.current_ma is not None]
    for platform in dict.fromkeys(row.platform for row in usable):
        mine = [row for row in usable if row.platform == platform]
        rates = [1e3 * (row.current_ma or 0) / row.clock_mhz for row in mine]
        mean = float(np.mean(rates))
        modelled = [_board_current(row) for row in mine]
        residuals = tuple(
            Residual(
                row,
                row.current_ma or 0,
                current if current is not None else mean * row.clock_mhz / 1e3,
                mean * row.clock_mhz / 1e3,
            )
            for row, current in zip(mine, modelled, strict=True)
        )
        board_rate = None if modelled[0] is None else 1e3 * modelled[0] / mine[0].clock_mhz
        fits.append(CurrentFit(platform, mean, board_rate, residuals))
    return fits


def _board_current(row: Row) -> float | None:
    board = row.board
    if board is None or board.clock_hz is None:
        return None
    return board.operating_point(round(row.clock_mhz * 1e6)).run_ma


def widest(residuals: Sequence[Residual]) -> float:
    """The largest residual of the model, in percent."""
    return max((abs(residual.percent) for residual in residuals), default=0.0)
