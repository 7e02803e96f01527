"""Refits what the cost model takes from measurements, and says how far it is from every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.calibration.rows import Row
from edgekit.emulate.pricing import Prices
from edgekit.emulate.timing import CORES

Events = Mapping[str, Any]  # Profile.events(): counts by name, and `hidden`
OVERHEADS = [step / 20 for step in range(401)]  # 0 to 20 cycles


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
        rms, board_rms: root mean square of the relative residuals, in percent, of the fit and of the model.
        alike: lowest and highest overhead whose best fit is at most a tenth worse: what rows can tell.
    """

    core: str
    taken: float
    overhead: float
    board_taken: float
    board_overhead: float
    rms: float
    board_rms: float
    alike: tuple[float, float]
    residuals: tuple[Residual, ...]


@dataclass(frozen=True)
class CurrentFit:
    """Supply current under load of one platform: mean of its rows in uA/MHz, and what the board's data say."""

    platform: str
    ua_per_mhz: float
    board_ua_per_mhz: float | None
    residuals: tuple[Residual, ...]


def cycles_of(row: Row, events: Events, taken: float, overhead: float) -> float:
    """The model's cycles for a row; see :mod:`edgekit.emulate.pricing`."""
    return _without_branches(row, events, overhead) + events["taken"] * taken


def _without_branches(row: Row, events: Events, overhead: float) -> float:
    board = row.board
    assert board is not None
    core, point = CORES[board.core], board.operating_point(round(row.clock_mhz * 1e6))
    prices = Prices.at(board, point, core)
    own = board.flash_timing.fill_overhead if board.flash_timing else 0
    read = prices.flash + overhead - own if point.wait_states else 0.0
    ahead = min(read, point.wait_states + 1) if events.get("prefetches") else read
    cycles = events["execute"] + events["load_use"] + events["unaligned"] * prices.unaligned
    cycles += events["taken_wide"] * core.taken_wide + events["mispredicted"] * core.mispredicted
    cycles += (events["flash_fetch"] + events["flash_data"]) * read
    cycles += events["ram_fetch"] * prices.ram_fetch + (events["ram_data"] + events["write_back"]) * prices.ram_data
    return cycles + sum(count * max(ahead - int(hidden), 0) for hidden, count in events["hidden"].items())


def fit_cycles(rows: Sequence[Row], events: Mapping[str, Events]) -> list[CycleFit]:
    """One fit per core over the rows with measured cycles whose events are known; relative errors count."""
    usable = [r for r in rows if r.cycles and r.id in events and r.board is not None and r.board.flash_timing]
    groups: dict[str, list[Row]] = {}
    for row in usable:
        groups.setdefault(row.board.core if row.board else "", []).append(row)
    return [_fit_core(core, mine, events) for core, mine in sorted(groups.items())]


def _fit_core(core: str, rows: Sequence[Row], events: Mapping[str, Events]) -> CycleFit:
    board = rows[0].board
    assert board is not None and board.flash_timing is not None
    own = float(CORES[core].taken), float(board.flash_timing.fill_overhead)
    tried = [(overhead, *_best_taken(rows, events, overhead)) for overhead in OVERHEADS]
    overhead, taken, rms = min(tried, key=lambda trial: trial[2])
    alike = [trial[0] for trial in tried if trial[2] <= 1.1 * rms + 1e-9]

    def residual(row: Row) -> Residual:
        model, fitted = (cycles_of(row, events[row.id], *pair) for pair in (own, (taken, overhead)))
        return Residual(row, row.cycles or 0.0, model, fitted)

    residuals = tuple(residual(row) for row in rows)
    board_rms = float(np.sqrt(np.mean([one.percent**2 for one in residuals])))
    return CycleFit(core, taken, overhead, *own, rms, board_rms, (min(alike), max(alike)), residuals)


def _best_taken(rows: Sequence[Row], events: Mapping[str, Events], overhead: float) -> tuple[float, float]:
    """The branch refill with the least relative error at an overhead, and that error in percent (root mean square)."""
    measured = np.array([row.cycles for row in rows])
    branches = np.array([events[row.id]["taken"] for row in rows]) / measured
    missing = 1 - np.array([_without_branches(row, events[row.id], overhead) for row in rows]) / measured
    taken = float(branches @ missing / (branches @ branches))
    return taken, float(100 * np.sqrt(np.mean((branches * taken - missing) ** 2)))


def fit_currents(rows: Sequence[Row]) -> list[CurrentFit]:
    """One fit per platform with measured power or energy, and a voltage; clusters have :mod:`.power`."""
    fits = []
    usable = [row for row in rows if row.current_ma is not None and not (row.board and row.board.cluster)]
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
