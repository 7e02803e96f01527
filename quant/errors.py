"""The one way EdgeKit tells a user that an input cannot be used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One finding: what is wrong, where, what is supported instead and what to do about it."""

    what: str
    where: str = ""
    supported: str = ""
    fix: str = ""

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.supported:
            lines.append(f"  supported: {self.supported}")
        if self.fix:
            lines.append(f"  what to do: {self.fix}")
        return "\n".join(lines)


LIKE = 0.4  # from here on (0 to 1) a name is suggested


class UserError(Exception):
    """A mistake in the user's input; carries every problem found in one run. Exit code 2, no traceback."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Unsupported(Exception):
    """What an operator cannot take; the graph and the readers turn it into a located :class:`Problem`."""

    def __init__(self, what: str, supported: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.supported, self.fix = what, supported, fix


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not in a registry; suggests the nearest one."""
    names = sorted(known)
    likeness = {known: difflib.SequenceMatcher(None, name, known).ratio() for known in names}
    nearest = max(names, key=likeness.__getitem__, default="")  # of several, the first in the alphabet
    close = likeness.get(nearest, 0.0) >= LIKE
    fix = f"did you mean '{nearest}'?" if close else f"choose one of: {', '.join(names)}"
    return UserError(Problem(f"unknown {kind} '{name}'", supported=", ".join(names), fix=fix))
