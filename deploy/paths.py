"""Where the hand-written C lives and which version of EdgeKit it is, in a wheel and in a checkout alike."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from quant.errors import Problem, UserError


@cache
def firmware_root() -> Path:
    """The folder with ``kernels``, ``runtime`` and ``boards``.

    A wheel carries it inside this package; a checkout has it next to the package.

    Raises:
        UserError: neither is there.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "_firmware", here.parent / "firmware"):
        if (folder / "kernels").is_dir():
            return folder
    fix = "reinstall edgekit; a checkout must hold the folder 'firmware' next to 'deploy'"
    raise UserError(Problem("EdgeKit's C sources are missing", str(here), fix=fix))


def board_folder(board: str) -> Path | None:
    """The folder with a board's start-up code and linker script; None where firmware cannot be built for it."""
    folder = firmware_root() / "boards" / board
    return folder if folder.is_dir() else None


def zig_cache() -> Path | None:
    """Where zig should keep compiled run-time libraries: in the virtual environment, if there is one to write to."""
    inside = sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK)
    return Path(sys.prefix) / "zig-cache" if inside else None


def edgekit_version() -> str:
    """Version of the installed distribution; ``unknown`` in a checkout that was never installed."""
    try:
        return version("edgekit")
    except PackageNotFoundError:
        return "unknown"
