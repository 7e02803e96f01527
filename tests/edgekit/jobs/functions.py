"""What the jobs of these tests call."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quant.errors import Problem, UserError


def square(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Also notes in ``folder`` that it ran."""
    number = settings["number"]
    with open(Path(settings["folder"]) / f"ran-{number}", "a") as file:
        file.write("x")
    return {"square": number**2, "process": os.getpid(), "threads": os.environ.get("OMP_NUM_THREADS")}


def faulty(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Goes wrong in the way that is asked for."""
    how = settings.get("how")
    if how == "user":
        raise UserError(Problem("the recording is too short", "subject 7", fix="record again"))
    if how == "bug":
        raise KeyError("oops")
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exit":
        os._exit(3)
    if how == "data":
        return {"data": os.environ["EDGEKIT_DATA"]}
    return square(settings)


def endless(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Until somebody has enough of it."""
    square(settings)
    time.sleep(600)
    return {}
