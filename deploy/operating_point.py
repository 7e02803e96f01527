"""Operating points: what a core clock means for flash wait states and supply current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quant.errors import Problem, UserError, unknown


@dataclass(frozen=True)
class VoltageRange:
    """A supply range of the core.

    Attributes:
        lowest_hz: lowest clock that the current is known for.
        wait_states: (highest clock in Hz, flash wait states), ascending; the last one is the highest clock allowed.
        run_ma, run_ua_per_mhz: supply current under load, run_ma + run_ua_per_mhz * clock.
    """

    name: str
    lowest_hz: int
    wait_states: tuple[tuple[int, int], ...]
    run_ma: float
    run_ua_per_mhz: float
    source: str

    @property
    def highest_hz(self) -> int:
        return self.wait_states[-1][0]

    def at(self, clock_hz: int) -> OperatingPoint:
        """The operating point at a clock that the range allows."""
        states = next(states for highest, states in self.wait_states if clock_hz <= highest)
        return OperatingPoint(clock_hz, self.name, states, self.run_ma + self.run_ua_per_mhz * clock_hz / 1e9)


@dataclass(frozen=True)
class OperatingPoint:
    """A clock with its flash wait states and the supply current in mA while the core computes."""

    clock_hz: int
    range: str
    wait_states: int
    run_ma: float


def choose(board: str, ranges: Sequence[VoltageRange], clock_hz: int, name: str | None) -> OperatingPoint:
    """The point at a clock in the range of that name, or in the first range that allows the clock.

    The end of a name is enough: '2' stands for 'range 2'.

    Raises:
        UserError: no such range, or no range allows the clock.
    """
    asked = [one for one in ranges if name is None or f" {one.name}".endswith(f" {name}")]
    if not asked:
        raise unknown("voltage range", name or "", [one.name for one in ranges])
    able = next((one for one in asked if one.lowest_hz <= clock_hz <= one.highest_hz), None)
    if able is None:
        supported = ", ".join(f"{one.lowest_hz / 1e6:g} to {one.highest_hz / 1e6:g} MHz in {one.name}" for one in asked)
        what = f"a clock of {clock_hz / 1e6:g} MHz is not possible"
        raise UserError(Problem(what, f"board '{board}'", supported, "choose another --clock"))
    return able.at(clock_hz)


def candidates(ranges: Sequence[VoltageRange]) -> list[OperatingPoint]:
    """The points worth comparing: in every range the highest clock of every number of wait states."""
    return [one.at(highest) for one in ranges for highest, _ in one.wait_states]
