"""Start-up check: the packages edgekit, quant and deploy come from one place.

``quant`` and ``deploy`` are common names. A stray package in the current folder or on PYTHONPATH would otherwise
be imported in place of ours and fail far away from the cause. Uses nothing but the standard library, because nothing
else can be trusted yet.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("quant", "deploy")


def home() -> Path:
    """The folder that holds the package ``edgekit`` which is running."""
    return Path(__file__).resolve().parent.parent


def intruders() -> list[str]:
    """One message per room that Python would take from somewhere else, or not find; nothing is imported."""
    messages = []
    for room in ROOMS:
        spec = find_spec(room)
        place = _place(spec) if spec else None
        if place is None:
            messages.append(f"package '{room}' is missing; it belongs into {home()}\n  what to do: reinstall edgekit")
        elif place.resolve().parent != home():
            messages.append(
                f"package '{room}' comes from {place}, not from EdgeKit's folder {home()}\n"
                f"  what to do: {_remedy(place.parent)}"
            )
    return messages


def _place(spec: ModuleSpec) -> Path | None:
    """The package's folder or the module's file."""
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin else None


def _remedy(folder: Path) -> str:
    if folder.resolve() == Path.cwd() and sys.path[0] in ("", str(Path.cwd())):
        return "run the command 'edgekit' instead of 'python -m edgekit', run from another folder, or rename it"
    return f"take {folder} out of PYTHONPATH, uninstall what put it there, or rename it"
