"""Energy of an inference, and how long a battery lasts: supply current of the operating point times time.

The microcontroller alone: sensors, radio and converter are not part of it. Its regulator is linear: the battery
delivers the current that the chip draws, whatever the cell's voltage is. A chip with a cluster has a switching one: its
currents are its power by the cell's voltage.

``awake``: the share of a cluster's core cycles in which a core has a clock; the current depends on it.
"""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from typing import Any

from deploy.boards import Board
from deploy.operating_point import OperatingPoint

HOURS_PER_DAY = 24
UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}


@dataclass(frozen=True)
class Duty:
    """One inference every ``period_s`` seconds on a cell of ``battery_mah``; in between the board idles.

    ``idle`` names one of the board's modes, None its first.
    """

    period_s: float = 1.0
    battery_mah: float = 100.0
    idle: str | None = None


@dataclass(frozen=True)
class Range:
    """An estimate with its band."""

    value: float
    low: float
    high: float

    def as_json(self, name: str) -> dict[str, float]:
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def latency_ms(board: Board, point: OperatingPoint, cycles: int) -> Range:
    """Time of so many cycles, with the band of the board's cycle model."""
    value = 1e3 * cycles / point.clock_hz
    below = (board.bands.below_percent if board.bands else 0.0) / 100
    above = (board.bands.cycles_percent if board.bands else 0.0) / 100
    return Range(value, value * (1 - below), value * (1 + above))


def energy_mj(board: Board, point: OperatingPoint, cycles: int, awake: float = 1.0) -> Range:
    """Energy of so many cycles: current * supply voltage * time, both bands at their worst."""
    assert board.power is not None
    time, band = latency_ms(board, point, cycles), (board.bands.current_percent if board.bands else 0.0) / 100
    watts = point.current_ma(awake) * 1e-3 * board.power.supply_v
    return Range(watts * time.value, watts * (1 - band) * time.low, watts * (1 + band) * time.high)


def average_ua(
    board: Board, point: OperatingPoint, run_s: float, duty: Duty, factor: float = 1.0, awake: float = 1.0
) -> float:
    """Mean supply current in uA; ``factor`` scales the run current. A run longer than the period never sleeps.

    A cluster is off between inferences and started for each; a run that leaves no time for that keeps it on.
    """
    assert board.power is not None
    idle = board.power.waiting(duty.idle)
    run = min(run_s + idle.wake_us * 1e-6, duty.period_s)
    start = min(idle.start_us * 1e-6, duty.period_s - run)
    charge = run * point.current_ma(awake) * 1e3 * factor + start * point.current_ma(0.0) * 1e3 * factor
    return (charge + (duty.period_s - run - start) * idle.current_ua(point.clock_hz)) / duty.period_s


def battery(board: Board, point: OperatingPoint, cycles: int, duty: Duty, awake: float = 1.0) -> dict[str, Any]:
    """The entry ``duty`` of a report: how long the cell lasts, and whether an inference ends within its period."""
    time, band = latency_ms(board, point, cycles), (board.bands.current_percent if board.bands else 0.0) / 100
    current = average_ua(board, point, time.value / 1e3, duty, awake=awake)
    shortest = _days(duty, average_ua(board, point, time.high / 1e3, duty, 1 + band, awake))
    longest = _days(duty, average_ua(board, point, time.low / 1e3, duty, 1 - band, awake))
    return {
        "period_s": duty.period_s,
        "battery_mah": duty.battery_mah,
        "average_ua": current,
        "active_share": time.value / 1e3 / duty.period_s,
        "in_time": time.high / 1e3 <= duty.period_s,
        **Range(_days(duty, current), shortest, longest).as_json("battery_days"),
    }


def _days(duty: Duty, current_ua: float) -> float:
    return duty.battery_mah * 1e3 / current_ua / HOURS_PER_DAY


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every verb that prices an inference."""
    group = parser.add_argument_group("operating point")
    group.add_argument("--clock", type=frequency, help="core clock to price, such as 16MHz (default: the firmware's)")
    group.add_argument("--range", help="voltage range of the core, such as 2 (default: the first that allows it)")
    duty_arguments(parser)


def core_argument(parser: argparse.ArgumentParser) -> None:
    """The option of every verb that runs a network on a cluster."""
    parser.add_argument("--cores", type=int, help="cores of a cluster that compute (default: all of them)")


def duty_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say how often an inference runs, and on which cell."""
    group = parser.add_argument_group("duty cycle")
    group.add_argument("--every", type=seconds, default=1.0, help="seconds between inferences (default 1s)")
    group.add_argument("--battery", type=milliampere_hours, default=100.0, help="capacity of the cell (default 100mAh)")
    group.add_argument("--idle", help="what the board does between inferences ('edgekit boards BOARD' lists the modes)")


def duty(options: argparse.Namespace) -> Duty:
    return Duty(options.every, options.battery, options.idle)


def frequency(text: str) -> int:
    """An argparse type: ``16MHz``, ``32 kHz``, ``80e6`` in Hz."""
    return round(_quantity(text, "hz", UNITS))


def seconds(text: str) -> float:
    """An argparse type: ``1``, ``1s``, ``250ms``, ``5min`` in seconds."""
    return _quantity(text, "", {"": 1.0, "s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0})


def milliampere_hours(text: str) -> float:
    """An argparse type: ``100``, ``100mAh``, ``1.2Ah`` in mAh."""
    return _quantity(text, "ah", {"": 1e3, "m": 1.0}) if text.lower().endswith("ah") else _quantity(text, "", {"": 1.0})


def _quantity(text: str, unit: str, prefixes: dict[str, float]) -> float:
    match = re.fullmatch(r"([\d.]+(?:e[+-]?\d+)?)\s*([a-z]*)", text.strip().lower())
    word = match.group(2) if match else ""
    prefix = word.removesuffix(unit) if unit and word.endswith(unit) else word
    try:
        value = float(match.group(1)) * prefixes[prefix] if match else math.nan
    except (ValueError, KeyError):
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"'{text}' is no positive quantity such as 16MHz, 250ms or 100mAh")
    return value
