"""Where text goes: results to standard output (text or JSON), progress and problems to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

WIDTH = 100  # columns at most, also where output goes to a file
TITLE = 28
SILENCE = 20.0  # seconds without a terminal between two lines about one step


@dataclass(frozen=True)
class Screen:
    """Output of one command.

    Attributes:
        json: results are printed as JSON, nothing else goes to standard output.
        quiet: no progress.
    """

    json: bool = False
    quiet: bool = False

    def show(self, data: Any, *parts: Any) -> None:
        """Print a result: ``data`` as JSON, or ``parts`` (text, rich tables) for people."""
        if self.json:
            print(json.dumps(data, indent=2))
        else:
            for part in parts:
                self._out.print(part, markup=False, highlight=False)

    def say(self, line: str) -> None:
        """A remark on what is going on."""
        if not self.quiet:
            self.steps.print(line)

    def step(self, title: str) -> Any:
        """A context manager around a long step; yields a :class:`Step`."""
        return self.steps.step(title)

    @cached_property
    def steps(self) -> Steps:
        return Steps(_console(sys.stderr), self.quiet)

    @cached_property
    def _out(self) -> Console:
        return _console(sys.stdout)


def _console(stream: TextIO) -> Console:
    """A console that honours NO_COLOR, at most 100 columns wide."""
    console = Console(file=stream)
    wide = console.width if console.is_terminal else WIDTH
    console.width = min(wide, WIDTH)
    return console


@dataclass
class Step:
    """Progress of one step: how far it is, and what to say about it."""

    steps: Steps
    title: str
    note: str = ""

    def at(self, done: int, total: int, note: str = "") -> None:
        self.note = note or self.note
        self.steps.update(self.title, done, total, self.note)

    def end(self, note: str) -> None:
        """What came out; stays visible behind the title."""
        self.note = note


class Steps:
    """One line per step: a live bar on a terminal, a plain line when finished elsewhere."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self.console, self.quiet = console, quiet
        self._progress: Progress | None = None
        self._task: Any = None
        self._started = self._spoken = 0.0

    def print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, style="dim")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        step = Step(self, title)
        started = self._started = self._spoken = monotonic()
        if self.quiet:
            yield step
            return
        if not self.console.is_terminal:
            yield step
        else:
            columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(24))
            times = (MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
            note = TextColumn("{task.fields[note]}", markup=False)
            with Progress(*columns, *times, note, console=self.console, transient=True) as progress:
                self._progress = progress
                self._task = progress.add_task(f"{title:<{TITLE}}", total=None, note="")
                try:
                    yield step
                finally:
                    self._progress = None
        self._finished(title, monotonic() - started, step.note)

    def update(self, title: str, done: int, total: int, note: str) -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total, note=note)
        elif not self.quiet and monotonic() - self._spoken > SILENCE:
            self._spoken = monotonic()
            left = (monotonic() - self._started) * (total - done) / max(done, 1)
            self.print(f"  {title:<{TITLE}} {done:>4} of {total}  {left:.0f} s left  {note}")

    def _finished(self, title: str, seconds: float, note: str) -> None:
        line = Text.assemble(("✓ ", "green"), f"{title:<{TITLE}}", (f"{seconds:7.1f} s  ", "dim"), note)
        self.console.print(line, highlight=False, soft_wrap=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None, numbers: str = "") -> Table:
    """A plain table. ``numbers``: one character per column, ``r`` where it is aligned to the right."""
    result = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        right = numbers[position : position + 1] == "r"
        result.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        result.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row))
    return result
