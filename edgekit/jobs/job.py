"""A job is a function by name and settings as plain data; it can therefore run in any process on any machine."""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from quant.errors import UserError


@dataclass(frozen=True, eq=False)
class Job:
    """One call.

    Attributes:
        function: ``package.module:name`` of a function from ``settings`` to a result, both JSON.
        settings: everything that the result depends on.
        title: how messages call it; two jobs that differ in nothing else are the same job.
    """

    function: str
    settings: Mapping[str, Any]
    title: str

    @cached_property
    def key(self) -> str:
        """The same for the same function and settings, in every process: 20 hexadecimal digits."""
        text = json.dumps([self.function, self.settings], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a result, or what went wrong."""

    result: Any = None
    error: str | None = None
    seconds: float = 0.0


def attempt(function: str, settings: Mapping[str, Any]) -> Outcome:
    """Call a job's function here; whatever goes wrong becomes a text."""
    started = time.monotonic()
    try:
        module, name = function.split(":")
        result = getattr(import_module(module), name)(settings)
    except UserError as error:
        return Outcome(error=str(error), seconds=time.monotonic() - started)
    except Exception:
        return Outcome(error=traceback.format_exc(), seconds=time.monotonic() - started)
    return Outcome(result, seconds=time.monotonic() - started)
