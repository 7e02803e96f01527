"""Runs and boards side by side: every model priced on every board, at the board's own clock and one duty cycle."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.boards import Board
from edgekit.cluster_cost import cluster_report
from edgekit.cost import cost_report
from edgekit.energy import Duty
from edgekit.firmware import Firmware
from edgekit.pipeline import FIRMWARE, REPORT, emulated_board
from edgekit.placement import build_placed
from edgekit.samples import random_samples
from edgekit.sizes import memory_report
from quant.errors import Problem, UserError

MODEL = "model.onnx"


@dataclass(frozen=True)
class Subject:
    """A run folder or a model file; what its report says (empty for a model file)."""

    name: str
    model: Path
    report: Mapping[str, Any]
    folder: Path | None

    @classmethod
    def load(cls, path: Path) -> Subject:
        """Raises UserError where there is neither a run nor a model."""
        if path.is_file():
            return cls(path.stem, path, {}, None)
        where = f"run folder {path}"
        fix = "give folders that 'edgekit run' wrote, or model.onnx files"
        if not (path / MODEL).is_file():
            raise UserError(Problem(f"it holds no {MODEL}", where, fix=fix))
        try:
            report = json.loads((path / REPORT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            report = {}
        except (OSError, ValueError):
            raise UserError(Problem(f"its {REPORT} cannot be read", where, fix="run it again")) from None
        return cls(path.name, path / MODEL, report, path)

    def board(self) -> str:
        """The board that the run was made for."""
        if "board" not in self.report:
            raise UserError(Problem("it does not say for which board", str(self.model), fix="name some with --boards"))
        return str(self.report["board"])


def compare(
    subjects: Sequence[Subject],
    boards: Sequence[str],
    duty: Duty,
    progress: Callable[[int, int, str], None] = lambda done, total, note: None,
) -> list[dict[str, Any]]:
    """One row per subject and board; without ``boards`` each subject on its own one.

    A row holds ``run``, ``board``, ``model``, ``preset``, ``accuracy`` (None where unknown) and either the entries
    ``cost``, ``duty``, ``memory``, ``bands`` of a report or ``problem``: why the model does not run on the board.

    Raises:
        UserError: an unknown board, or one that is not emulated.
    """
    pairs = [(subject, emulated_board(name)) for subject in subjects for name in boards or [subject.board()]]
    rows = []
    for done, (subject, board) in enumerate(pairs):
        progress(done, len(pairs), f"{subject.name} on {board.name}")
        rows.append({**_identity(subject, board), **_priced(subject, board, duty)})
    return rows


def _identity(subject: Subject, board: Board) -> dict[str, Any]:
    report = subject.report
    return {
        "run": subject.name,
        "board": board.name,
        "model": report.get("model", subject.name),
        "preset": report.get("preset"),
        "accuracy": report.get("accuracy", {}).get("int8"),
    }


def _priced(subject: Subject, board: Board, duty: Duty) -> dict[str, Any]:
    try:
        with _firmware(subject, board) as firmware:
            report = _cost(firmware, duty)
            return {**report, "memory": memory_report(firmware.facts, board), "problem": None}
    except UserError as error:
        return {"problem": "; ".join(problem.what for problem in error.problems)}


def _cost(firmware: Firmware, duty: Duty) -> dict[str, Any]:
    """The price entries of a report, of one made-up inference at the board's own clock."""
    board, sample = firmware.board, random_samples(1, firmware.input)
    point = board.operating_point()
    if board.cluster:
        return cluster_report(board, firmware.simulator().run(sample, point).cost, duty)
    return cost_report(board, firmware.trace(sample[0]).cost(point), duty)


@contextmanager
def _firmware(subject: Subject, board: Board) -> Iterator[Firmware]:
    """The run's own firmware where it is for this board; a temporary build otherwise."""
    if subject.folder is not None and subject.report.get("board") == board.name:
        yield Firmware.load(subject.folder / FIRMWARE)
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-compare-") as name:
        out = Path(name) / "firmware"
        build_placed(subject.model, board, out, "auto")
        yield Firmware.load(out)
