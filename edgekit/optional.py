"""Packages that only some verbs need, and the extra that installs them."""

from __future__ import annotations

EXTRAS = {
    "torch": "train",
    "brevitas": "train",
    "unicorn": "emulate",
    "ray": "scale",
    "scipy": "train",
    "sklearn": "train",
    "pyriemann": "train",
    "moabb": "eeg",
}


def advice(module: str | None) -> tuple[str, str] | None:
    """(what is missing, what to do) for a module that could not be imported; None if it is no optional one."""
    package = (module or "").split(".")[0]
    if package not in EXTRAS:
        return None
    extra = EXTRAS[package]
    return f"the package '{package}' is not installed", f"pip install 'edgekit[{extra}]'"
