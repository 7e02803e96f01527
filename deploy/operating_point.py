"""Operating points: what a core clock means for flash wait states and supply current.

A microcontroller's current is what was measured under load. A cluster's follows from one law for the whole family,
:class:`ClusterPower`; both end as supply currents, so that everything that prices an inference knows one form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quant.errors import Problem, UserError, unknown


@dataclass(frozen=True)
class ClusterPower:
    """Power of a chip with a cluster of cores: V^2 * (static + dynamic * f * (resting + (1 - resting) * awake)).

    ``awake`` is the share of the cluster's core cycles in which a core has a clock: 1 while all cores compute, 0 while
    all wait for L3 or for the cluster to start, 1 / cores while one core works alone.

    Attributes:
        static_mw, dynamic_mw_per_mhz: at 1 V core voltage.
        resting: share of the dynamic power that is left when no core of the cluster has a clock.
    """

    static_mw: float
    dynamic_mw_per_mhz: float
    resting: float
    source: str

    def mw(self, volts: float, clock_hz: float, awake: float = 1.0) -> float:
        """Power in mW at a core voltage and the cluster's clock."""
        active = self.resting + (1 - self.resting) * awake
        return volts**2 * (self.static_mw + self.dynamic_mw_per_mhz * clock_hz / 1e6 * active)

    def range(
        self, name: str, volts: float, supply_v: float, lowest_hz: int, clocks: Sequence[int], source: str
    ) -> VoltageRange:
        """The supply range at a core voltage: currents that a cell of ``supply_v`` delivers, without converter losses.

        Args:
            clocks: the clocks worth comparing, ascending; the last one is the highest allowed.
        """

        def current(awake: float) -> tuple[float, float]:
            static = self.mw(volts, 0.0, awake) / supply_v
            return static, 1e3 * (self.mw(volts, 1e6, awake) / supply_v - static)

        states = tuple((clock, 0) for clock in clocks)
        return VoltageRange(name, lowest_hz, states, *current(1.0), source, current(0.0), volts)


@dataclass(frozen=True)
class VoltageRange:
    """A supply range of the core.

    Attributes:
        lowest_hz: lowest clock that the current is known for.
        wait_states: (highest clock in Hz, flash wait states), ascending; the last one is the highest clock allowed.
        run_ma, run_ua_per_mhz: supply current under load, run_ma + run_ua_per_mhz * clock.
        asleep: the same two figures while all cores of a cluster sleep; None where nothing says what that saves.
        volts: core voltage, where the current depends on it.
    """

    name: str
    lowest_hz: int
    wait_states: tuple[tuple[int, int], ...]
    run_ma: float
    run_ua_per_mhz: float
    source: str
    asleep: tuple[float, float] | None = None
    volts: float | None = None

    @property
    def highest_hz(self) -> int:
        return self.wait_states[-1][0]

    def at(self, clock_hz: int) -> OperatingPoint:
        """The operating point at a clock that the range allows."""
        states = next(states for highest, states in self.wait_states if clock_hz <= highest)
        asleep = self.asleep[0] + self.asleep[1] * clock_hz / 1e9 if self.asleep else None
        return OperatingPoint(clock_hz, self.name, states, self.run_ma + self.run_ua_per_mhz * clock_hz / 1e9, asleep)

    def is_called(self, name: str) -> bool:
        """Whether a user may mean this range: the end of its name is enough, and a voltage needs no unit."""
        return f" {self.name}".endswith(f" {name}") or self.name == f"{name.upper().removesuffix('V').strip()} V"


@dataclass(frozen=True)
class OperatingPoint:
    """A clock with its flash wait states and the supply current in mA while all cores compute.

    ``asleep_ma`` is the current while all cores of a cluster sleep; without one, time counts as computing.
    """

    clock_hz: int
    range: str
    wait_states: int
    run_ma: float
    asleep_ma: float | None = None

    def current_ma(self, awake: float = 1.0) -> float:
        """Supply current while cores are awake for that share of their time."""
        if self.asleep_ma is None or awake == 1.0:
            return self.run_ma
        return self.asleep_ma + awake * (self.run_ma - self.asleep_ma)


def choose(board: str, ranges: Sequence[VoltageRange], clock_hz: int, name: str | None) -> OperatingPoint:
    """The point at a clock in the range of that name, or in the first range that allows the clock.

    The end of a name is enough: '2' stands for 'range 2', '1.0' for '1.0 V'.

    Raises:
        UserError: no such range, or no range allows the clock.
    """
    asked = [one for one in ranges if name is None or one.is_called(name)]
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
