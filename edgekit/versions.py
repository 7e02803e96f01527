"""Versions of what takes part in a result."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from edgekit import __version__

REQUIRED = ("numpy", "onnx", "onnxruntime", "capstone", "pyelftools", "rich", "jinja2", "ziglang")
OPTIONAL = ("torch", "brevitas", "unicorn", "ray")


def versions() -> dict[str, str]:
    """EdgeKit, Python and every package of ours that is installed."""
    found = {"edgekit": __version__, "python": platform.python_version()}
    for package in (*REQUIRED, *OPTIONAL):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
