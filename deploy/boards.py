"""Boards are data: one TOML file per board, every figure with its source.

:func:`load_board` reads ``deploy/boards/<name>.toml``; adding a board is adding a file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from quant.errors import unknown


@dataclass(frozen=True)
class Memory:
    """A memory the linker may fill: address and size in bytes."""

    name: str
    kind: Literal["flash", "ram"]
    start: int
    bytes: int
    source: str

    @property
    def end(self) -> int:
        """First address behind the memory."""
        return self.start + self.bytes

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end


@dataclass(frozen=True)
class Follow:
    """After a write to ``register``, a status field takes the value of its field at ``of`` (``width`` bits).

    The status field begins at ``bit`` of ``status``, another register of the peripheral, or of the same one.
    """

    register: int
    bit: int
    of: int
    width: int
    status: int | None = None

    @property
    def status_register(self) -> int:
        """Offset of the register that holds the status field."""
        return self.register if self.status is None else self.status


@dataclass(frozen=True)
class Uart:
    """Register offsets and status masks of a polled UART."""

    status: int
    receive: int
    transmit: int
    receive_ready: int
    transmit_ready: int


@dataclass(frozen=True)
class Peripheral:
    """A range of registers: what they hold after reset and which status fields follow control fields."""

    name: str
    base: int
    bytes: int
    source: str
    reset: dict[int, int]
    follow: tuple[Follow, ...]
    uart: Uart | None


@dataclass(frozen=True)
class Power:
    """Supply current while computing."""

    run_ua_per_mhz: float
    supply_v: float
    source: str


@dataclass(frozen=True)
class Board:
    """What code generation, the emulator and pricing know about a board.

    Attributes:
        target: execution model, ``host`` or ``cortex-m``.
        isa: instruction set features; ``dsp`` selects the Armv7E-M kernels.
        clock_hz: core clock that the firmware sets up, None where there is none to know (host).
        wait_states: (highest clock in Hz, flash wait states), ascending.
    """

    name: str
    title: str
    target: str
    core: str
    isa: tuple[str, ...]
    cores: int
    source: str
    clock_hz: int | None
    memories: tuple[Memory, ...]
    wait_states: tuple[tuple[int, int], ...]
    power: Power | None
    peripherals: tuple[Peripheral, ...]

    @property
    def flash(self) -> Memory:
        """The memory that holds the image."""
        return next(memory for memory in self.memories if memory.kind == "flash")

    @property
    def rams(self) -> tuple[Memory, ...]:
        """All RAM, in the order of the board file."""
        return tuple(memory for memory in self.memories if memory.kind == "ram")

    @property
    def ram_regions(self) -> tuple[Memory, ...]:
        """RAM as the linker sees it, neighbours in one piece: the first holds data and arena, the last the stack."""
        regions: list[Memory] = []
        for ram in self.rams:
            if regions and regions[-1].end == ram.start:
                before = regions.pop()
                name, source = f"{before.name} + {ram.name}", f"{before.source}; {ram.source}"
                ram = Memory(name, "ram", before.start, before.bytes + ram.bytes, source)
            regions.append(ram)
        return tuple(regions)

    def memory_at(self, address: int) -> Memory | None:
        """The memory that holds ``address``."""
        return next((memory for memory in self.memories if address in memory), None)


def list_boards() -> list[str]:
    """Names of all boards, sorted."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


@cache
def load_board(name: str) -> Board:
    """The board of that name.

    Raises:
        UserError: no such board; the nearest name is suggested.
    """
    if name not in list_boards():
        raise unknown("board", name, list_boards())
    return _parse(tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8")))


def _folder() -> Any:
    return files("deploy") / "boards"


def _parse(data: dict[str, Any]) -> Board:
    clock = data.get("clock")
    return Board(
        name=data["name"],
        title=data["title"],
        target=data["target"],
        core=data["core"],
        isa=tuple(data["isa"]),
        cores=data["cores"],
        source=data["source"],
        clock_hz=clock["hz"] if clock else None,
        memories=tuple(Memory(**memory) for memory in data.get("memory", ())),
        wait_states=tuple((hz, states) for hz, states in data.get("flash", {}).get("wait_states", ())),
        power=Power(**data["power"]) if "power" in data else None,
        peripherals=tuple(_parse_peripheral(entry) for entry in data.get("peripheral", ())),
    )


def _parse_peripheral(data: dict[str, Any]) -> Peripheral:
    uart_keys = ("status", "receive", "transmit", "receive_ready", "transmit_ready")
    return Peripheral(
        name=data["name"],
        base=data["base"],
        bytes=data["bytes"],
        source=data["source"],
        reset={int(offset, 0): value for offset, value in data.get("reset", {}).items()},
        follow=tuple(Follow(**rule) for rule in data.get("follow", ())),
        uart=Uart(**{key: data[key] for key in uart_keys}) if data["kind"] == "uart" else None,
    )
