"""Refits the power of boards with a cluster, and says how far its law is from every measurement.

The law is :class:`deploy.operating_point.ClusterPower`. Two figures per chip and one for the family are fitted, by
least squares of relative differences. GAP8 was measured at one clock and voltage only: how its power divides into a
static and a dynamic part is taken from Mr. Wolf, whose cores and process are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.boards import Board, load_board
from deploy.operating_point import ClusterPower
from edgekit.calibration.fit import Residual
from edgekit.calibration.rows import Row

ALIKE = {"gap8": "mrwolf"}  # static by dynamic power of the first is that of the second
STEPS, NUDGE = 40, 1e-6

Laws = Mapping[str, ClusterPower]


@dataclass(frozen=True)
class PowerFit:
    """One board: its law, the refitted one, rows whose activity is known, and rows that tell it.

    Attributes:
        explained: (row, share of the core cycles awake with which the board's law gives its power); such a row is a mix
            of computing and waiting, and supports the law where the share lies between 0 and 1.
    """

    board: Board
    law: ClusterPower
    fitted: ClusterPower
    residuals: tuple[Residual, ...]
    explained: tuple[tuple[Row, float], ...]


def fit_power(rows: Sequence[Row]) -> list[PowerFit]:
    """One fit per board with a cluster that has rows with measured power or energy."""
    usable = [row for row in rows if row.mean_mw is not None and _law(row) is not None]
    names = sorted({_board(row).name for row in usable})
    own = {name: _law_of(load_board(name)) for name in names}
    fitted = _fit([row for row in usable if row.awake is not None and not row.check], own)
    return [_compare([r for r in usable if _board(r).name == name], own[name], fitted[name]) for name in names]


def volts(row: Row) -> float:
    """Core voltage of a row; of the board's operating point at its clock where the row does not say."""
    if row.voltage is not None:
        return row.voltage
    board = _board(row)
    point = board.operating_point(round(row.clock_mhz * 1e6))
    return next(one.volts for one in board.ranges if one.name == point.range) or 0.0


def _compare(rows: Sequence[Row], law: ClusterPower, fitted: ClusterPower) -> PowerFit:
    known = [(row, row.awake) for row in rows if row.awake is not None]
    residuals = [Residual(r, r.mean_mw or 0.0, _mw(law, r, awake), _mw(fitted, r, awake)) for r, awake in known]
    explained = [(row, _share(law, row)) for row in rows if row.awake is None]
    return PowerFit(_board(rows[0]), law, fitted, tuple(residuals), tuple(explained))


def _share(law: ClusterPower, row: Row) -> float:
    asleep, awake = _mw(law, row, 0.0), _mw(law, row, 1.0)
    return ((row.mean_mw or 0.0) - asleep) / (awake - asleep)


def _mw(law: ClusterPower, row: Row, awake: float) -> float:
    return law.mw(volts(row), row.clock_mhz * 1e6, awake)


def _fit(rows: Sequence[Row], own: Laws) -> Laws:
    """Gauss-Newton from the boards' own figures; what no row tells stays as it is."""
    names = sorted(own)
    start = [figure for name in names for figure in (own[name].static_mw, own[name].dynamic_mw_per_mhz)]
    values = np.log([*start, own[names[0]].resting]) if names else np.zeros(0)
    for _ in range(STEPS if rows else 0):
        missing = _missing(values, rows, own)
        columns = [(_missing(values + NUDGE * one, rows, own) - missing) / NUDGE for one in np.eye(len(values))]
        values = values - np.linalg.lstsq(np.array(columns).T, missing, rcond=1e-9)[0]
    return _laws(values, own)


def _missing(values: NDArray[np.float64], rows: Sequence[Row], own: Laws) -> NDArray[np.float64]:
    """Logarithm of model by measured power, by row."""
    laws = _laws(values, own)
    return np.array([np.log(_mw(laws[_board(r).name], r, r.awake or 0.0) / (r.mean_mw or 1.0)) for r in rows])


def _laws(values: NDArray[np.float64], own: Laws) -> dict[str, ClusterPower]:
    names, figures = sorted(own), np.exp(values)
    resting = float(figures[-1]) if names else 0.0
    static, dynamic = (dict(zip(names, figures[part:-1:2].tolist(), strict=True)) for part in (0, 1))
    for name, other in ALIKE.items():
        if name in static and other in static:
            static[name] = dynamic[name] * static[other] / dynamic[other]
    return {name: ClusterPower(static[name], dynamic[name], resting, own[name].source) for name in names}


def _law_of(board: Board) -> ClusterPower:
    assert board.power is not None and board.power.cluster is not None
    return board.power.cluster


def _law(row: Row) -> ClusterPower | None:
    return row.board.power.cluster if row.board and row.board.power else None


def _board(row: Row) -> Board:
    assert row.board is not None
    return row.board
