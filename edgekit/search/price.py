"""The job that prices a network on a board: built and emulated once, at the board's own clock."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgekit import __version__
from edgekit.comparison import Subject, compare
from edgekit.energy import Duty
from edgekit.jobs.job import Job


def job(model: str, board: str, label: str) -> Job:
    """Price an integer network (ONNX in base64). Another version of EdgeKit prices anew: its kernels may differ."""
    settings = {"model": model, "board": board, "edgekit": __version__}
    return Job("edgekit.search.price:price", settings, f"{label} on {board}")


def price(settings: Mapping[str, Any]) -> dict[str, Any]:
    """``cost`` and ``memory`` as in a report, or ``problem``: why the network does not run on the board."""
    with tempfile.TemporaryDirectory(prefix="edgekit-price-") as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(base64.b64decode(settings["model"]))
        (row,) = compare([Subject("model", path, {}, None)], [settings["board"]], Duty())
    return {key: row[key] for key in ("cost", "memory", "problem") if key in row}
