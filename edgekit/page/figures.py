"""Numbers as people read them: thousands separators, honest digits, a unit that never wraps away from its number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"  # stands where there is no number

# (size of the unit, its name, smallest value shown in it), largest unit first; the last one takes what is left.
Units = Sequence[tuple[float, str, float]]
MILLISECONDS: Units = ((1e3, "s", 1e3), (1, "ms", 1), (1e-3, "µs", 0))
MILLIJOULES: Units = ((1e3, "J", 1e3), (1, "mJ", 1), (1e-3, "µJ", 0))
MICROAMPERES: Units = ((1e3, "mA", 1e3), (1, "µA", 0))
DAYS: Units = ((365.25, "years", 730.5), (1, "days", 2), (1 / 24, "hours", 0))
SECONDS: Units = ((3600, "h", 3600), (60, "min", 60), (1, "s", 1), (1e-3, "ms", 0))


@dataclass(frozen=True)
class Quantity:
    """A value and the band it lies in, all in one unit; no band where the digits shown are the same."""

    value: str
    unit: str
    low: str = ""
    high: str = ""

    def __str__(self) -> str:
        return f"{self.value}{SPACE}{self.unit}"

    @property
    def band(self) -> str:
        return f"{self.low} to {self.high}{SPACE}{self.unit}" if self.low != self.high else ""


def quantity(value: float, units: Units, low: float | None = None, high: float | None = None) -> Quantity:
    """``value``, given in the unit of size 1, in the unit that suits it; ``low`` and ``high`` in the same one."""
    size, unit, _ = next((entry for entry in units if abs(value) >= entry[2]), units[-1])
    band = [rounded(end / size) for end in (low, high) if end is not None]
    return Quantity(rounded(value / size), unit, *band)


def rounded(value: float, digits: int = 3) -> str:
    """Three significant digits, or all digits before the decimal point where those are more."""
    whole = math.floor(math.log10(abs(value))) + 1 if value else digits
    return f"{value:,.{max(0, digits - whole)}f}"


def period(seconds: float) -> str:
    """A period as it was asked for: ``1 s``, ``250 ms``, ``15 min``."""
    size, unit, _ = next(entry for entry in SECONDS if seconds >= entry[2])
    return f"{seconds / size:g}{SPACE}{unit}"


def count(number: int) -> str:
    return f"{number:,}"


def amount(number: int, unit: str) -> str:
    """``1,540 bytes``; a unit of one is singular."""
    return f"{number:,}{SPACE}{unit.removesuffix('s') if number == 1 else unit}"


def percent(share: float, decimals: int = 1) -> str:
    """A share of one; what is there but too small to show says so."""
    least = 10**-decimals
    if 0 < 100 * share < least / 2:
        return f"<{SPACE}{least:g}{SPACE}%"
    return f"{100 * share:.{decimals}f}{SPACE}%"


def tolerance(bands: Mapping[str, Any], name: str) -> str:
    """A band of a report in percent: ``± 8 %``, or ``-5 to +35 %`` where it is not symmetric."""
    above, below = bands[f"{name}_percent"], bands.get(f"{name}_below_percent")
    return f"± {above:g} %" if below is None else f"{MINUS}{below:.3g} to +{above:.3g} %"


def per(amount_: float, base: float, decimals: int = 2) -> str:
    """A ratio, or a dash where there is nothing to divide."""
    return f"{amount_ / base:.{decimals}f}" if amount_ and base else NOTHING


def flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested settings as rows; the file format number is no setting."""
    rows: list[tuple[str, Any]] = []
    for key, value in settings.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, Mapping):
            rows += flat(value, f"{name}: ")
        elif key != "format":
            rows.append((name, value))
    return rows
