"""Published measurements, one row each: what was measured, on which board, at which clock."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from deploy.boards import Board, list_boards, load_board
from quant.errors import Problem, UserError

REQUIRED = ("id", "platform", "clock_mhz")
NUMBERS = ("clock_mhz", "voltage", "cycles", "latency_ms", "power_mw", "energy_mj")
SHARES = ("awake",)  # of one, 0 allowed


@dataclass(frozen=True)
class Row:
    """One measurement; what it does not say is None. Units are in the names; ``voltage`` is in V.

    Attributes:
        awake: share of a cluster's core cycles in which a core has a clock.
        check: whether the row is only compared, not fitted.
    """

    id: str
    platform: str
    workload: str
    source: str
    clock_mhz: float
    voltage: float | None
    cycles: float | None
    latency_ms: float | None
    power_mw: float | None
    energy_mj: float | None
    awake: float | None = None
    check: bool = False

    @property
    def board(self) -> Board | None:
        """The board that the platform's name stands for, if EdgeKit knows it."""
        word = re.sub("[^a-z0-9]", "", self.platform.lower())
        name = next((name for name in list_boards() if word.startswith(name)), None)
        return load_board(name) if name else None

    @property
    def mean_mw(self) -> float | None:
        """Power itself, or energy by time."""
        if self.power_mw is None and self.energy_mj is not None and self.latency_ms:
            return 1e3 * self.energy_mj / self.latency_ms
        return self.power_mw

    @property
    def current_ma(self) -> float | None:
        """Supply current: power by voltage."""
        power = self.mean_mw
        return power / self.voltage if power is not None and self.voltage else None


def read_rows(path: Path | None = None) -> list[Row]:
    """Rows of a CSV file with a header; of the measurements that come with EdgeKit without one.

    Raises:
        UserError: no such file, a column or value missing, or a number that is none.
    """
    where = f"measurements {path}" if path else "measurements"
    try:
        text = path.read_text(encoding="utf-8") if path else _data("measurements.csv")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(Problem(f"it cannot be read ({error})", where, "a CSV file in UTF-8")) from None
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        supported = ", ".join((*REQUIRED, *NUMBERS[1:], *SHARES, "use"))
        raise UserError(Problem(f"the column {', '.join(missing)} is missing", where, supported))
    rows = [_row(record, f"{where}, line {line}") for line, record in enumerate(reader, 2)]
    if not rows:
        raise UserError(Problem("it holds no measurement", where))
    return [row for row in rows if row is not None]


def _row(record: Mapping[str, str | None], where: str) -> Row | None:
    """None for what has no clock: fits of memory transfers and the like."""
    numbers = {name: _number(record.get(name) or "", f"{where}, column {name}") for name in NUMBERS}
    shares = {name: _number(record.get(name) or "", f"{where}, column {name}", share=True) for name in SHARES}
    clock = numbers.pop("clock_mhz")
    identity, platform, workload, source = (
        (record.get(name) or "").strip() for name in ("id", "platform", "workload", "source")
    )
    if clock is None:
        return None
    check = (record.get("use") or "").strip() == "check"
    return Row(identity, platform, workload, source, clock, **numbers, **shares, check=check)


def _number(text: str, where: str, share: bool = False) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if share and not 0 <= value <= 1:
        raise UserError(Problem(f"'{text}' is no share of one", where, "0 to 1, or nothing"))
    if not share and not (math.isfinite(value) and value > 0):
        raise UserError(Problem(f"'{text}' is no positive number", where, "a decimal number, or nothing"))
    return value


def read_events(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Events by row id, as ``edgekit profile --json`` counts them: from files ``<id>.json``, or EdgeKit's own counts.

    Raises:
        UserError: no such folder, or a file that is no profile.
    """
    if folder is None:
        return {name: entry["events"] for name, entry in json.loads(_data("events.json"))["rows"].items()}
    paths = sorted(folder.glob("*.json"))
    if not paths:
        fix = "write them with: edgekit profile ROW.elf --board BOARD --within FUNCTION --json > FOLDER/ROW.json"
        raise UserError(Problem("it holds no profile", f"folder {folder}", "<row id>.json", fix))
    return {path.stem: _events(path) for path in paths}


def _events(path: Path) -> dict[str, Any]:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return dict(data["events"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(Problem("it is no profile", str(path), "what 'edgekit profile --json' prints")) from None


def _data(name: str) -> str:
    return (files("edgekit.calibration") / name).read_text(encoding="utf-8")
