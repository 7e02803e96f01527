"""How an emulated run fails."""

from __future__ import annotations

from quant.errors import Problem, UserError


class EmulationError(UserError):
    """The firmware did something that hangs or crashes on the board; says where, by symbol and layer."""

    def __init__(self, what: str, where: str, supported: str = "", fix: str = "") -> None:
        super().__init__(Problem(what, where=where, supported=supported, fix=fix))
