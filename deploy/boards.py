"""Boards are data: one TOML file per board, every figure with its source.

:func:`load_board` reads ``deploy/boards/<name>.toml``; adding a board is adding a file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from deploy.cluster import Cluster, parse_cluster
from deploy.operating_point import ClusterPower, OperatingPoint, VoltageRange, choose
from quant.errors import Problem, UserError, unknown


@dataclass(frozen=True)
class Memory:
    """A memory the linker may fill: address and size in bytes.

    Attributes:
        fetch_wait: cycles that fetching 4 bytes of code from it takes longer than executing them can hide.
        fill_wait: cycles that reading or writing one line costs where a cache lies before it.
        code: whether functions that are worth it may be copied here.
        stack: whether the linker script puts the stack here.
    """

    name: str
    kind: Literal["flash", "ram"]
    start: int
    bytes: int
    source: str
    fetch_wait: int = 0
    fill_wait: int = 0
    code: bool = False
    stack: bool = False

    @property
    def end(self) -> int:
        """First address behind the memory."""
        return self.start + self.bytes

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end


@dataclass(frozen=True)
class Follow:
    """After a write to ``register`` its field at ``of`` (``width`` bits) is copied.

    It goes to ``bit`` of the register at offset ``to``, or of the same register without one.
    """

    register: int
    bit: int
    of: int
    width: int
    to: int | None = None


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
class Cache:
    """A cache between the core and some of the memories.

    Attributes:
        serves: instruction fetches or data accesses.
        memories: names of the memories behind it.
        ways: lines that can hold the same address; all of them in a fully associative cache.
        fill_bytes: what one miss reads: a line, or a part of it.
        write_back: writes stay in it until their line makes room; otherwise it holds reads only.
    """

    name: str
    serves: Literal["fetch", "data"]
    memories: tuple[str, ...]
    lines: int
    ways: int
    line_bytes: int
    fill_bytes: int
    write_back: bool
    source: str


@dataclass(frozen=True)
class FlashController:
    """How firmware erases and programs flash, and what that takes.

    Attributes:
        kind: whose registers and rules it has: ``stm32l4``.
        registers: address of its first register.
        page_bytes: what is erased at once.
        bank_bytes: what cannot be read meanwhile.
        erase_us: time of erasing a page.
        program_us: time of programming 8 bytes.
        current_ma: supply current of either, beside that of the core.
    """

    kind: Literal["stm32l4"]
    registers: int
    page_bytes: int
    bank_bytes: int
    erase_us: float
    program_us: float
    current_ma: float
    source: str


@dataclass(frozen=True)
class Flash:
    """What a read of flash costs beyond its wait states (only where there are any), in cycles.

    Attributes:
        prefetch: (address, bit) of the control bit of a prefetch buffer, with which the read of the next bytes starts
            when the one before ends.
        controller: where firmware can write flash and the emulator models that.
    """

    fill_overhead: int
    source: str
    prefetch: tuple[int, int] | None = None
    controller: FlashController | None = None


@dataclass(frozen=True)
class Idle:
    """What a board does between inferences: ua + ua_per_mhz * clock.

    Attributes:
        name: for ``--idle``.
        title: what it is, in the data sheet's words.
        wake_us: time from the wake-up event to the first instruction, at run current.
        start_us: time from there until the cluster computes, its cores still asleep.
    """

    name: str
    title: str
    ua: float
    ua_per_mhz: float
    wake_us: float
    source: str
    start_us: float = 0.0

    def current_ua(self, clock_hz: int) -> float:
        """Supply current at a core clock."""
        return self.ua + self.ua_per_mhz * clock_hz / 1e6


@dataclass(frozen=True)
class Power:
    """Supply voltage, and the ways to wait for the next inference; the first one is the default.

    Attributes:
        cluster: the law that the currents of a board with a cluster follow.
    """

    supply_v: float
    source: str
    idle: tuple[Idle, ...]
    cluster: ClusterPower | None = None

    def waiting(self, name: str | None) -> Idle:
        """The idle mode of that name, or the default.

        Raises:
            UserError: no such mode; the nearest name is suggested.
        """
        found = self.idle[0] if name is None else next((mode for mode in self.idle if mode.name == name), None)
        if found is None:
            raise unknown("idle mode", name or "", [mode.name for mode in self.idle])
        return found


@dataclass(frozen=True)
class Bands:
    """How far estimates may be off, in percent, and what that rests on.

    ``cycles_percent`` holds in both directions, unless fewer cycles than estimated are less likely:
    ``cycles_below_percent``.
    """

    cycles_percent: float
    current_percent: float
    source: str
    cycles_below_percent: float | None = None

    @property
    def below_percent(self) -> float:
        """By how much cycles may be overestimated."""
        return self.cycles_percent if self.cycles_below_percent is None else self.cycles_below_percent


@dataclass(frozen=True)
class Board:
    """What code generation, the emulator and pricing know about a board.

    Attributes:
        target: execution model, ``host``, ``cortex-m`` or ``gap``.
        isa: instruction set features; ``dsp`` selects the Armv7E-M kernels.
        clock_hz: core clock that the firmware sets up, None where there is none to know (host).
        ranges: supply ranges of the core; a clock is priced in the first one that allows it.
        cluster: of a ``gap`` board.
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
    flash_timing: Flash | None
    caches: tuple[Cache, ...]
    ranges: tuple[VoltageRange, ...]
    power: Power | None
    bands: Bands | None
    peripherals: tuple[Peripheral, ...]
    cluster: Cluster | None

    @property
    def flash(self) -> Memory:
        """The memory that holds the image."""
        return next(memory for memory in self.memories if memory.kind == "flash")

    @property
    def rams(self) -> tuple[Memory, ...]:
        """All RAM, in the order of the board file: the first one holds data and arena."""
        return tuple(memory for memory in self.memories if memory.kind == "ram")

    @property
    def data_rams(self) -> tuple[Memory, ...]:
        """RAM that the linker script fills as one region: the first one and those that follow it without a gap."""
        region: list[Memory] = []
        for memory in self.rams:
            if not region or memory.start == region[-1].end:
                region.append(memory)
        return tuple(region)

    @property
    def stack_ram(self) -> Memory:
        """The RAM that the stack lies in."""
        return next(memory for memory in self.rams if memory.stack)

    @property
    def code_ram(self) -> Memory | None:
        """The RAM that functions may be copied to."""
        return next((memory for memory in self.rams if memory.code), None)

    def memory_at(self, address: int) -> Memory | None:
        """The memory that holds ``address``."""
        return next((memory for memory in self.memories if address in memory), None)

    def operating_point(self, clock_hz: int | None = None, voltage_range: str | None = None) -> OperatingPoint:
        """Wait states and current at a clock; the firmware's clock and range where nothing is said.

        Raises:
            UserError: no such range, or the clock is outside of what it allows.
        """
        assert self.clock_hz is not None, self.name
        return choose(self.name, self.ranges, clock_hz or self.clock_hz, voltage_range)

    def team(self, cores: int | None = None) -> int:
        """How many cores compute together: ``cores``, or all there are.

        Raises:
            UserError: more than the board has.
        """
        there = self.cluster.cores if self.cluster else 1
        if cores is not None and not 1 <= cores <= there:
            supported = f"1 to {there}" if there > 1 else "1; boards with a cluster have more ('edgekit boards')"
            what = f"{cores} cores are not possible: {there} {'compute' if there > 1 else 'computes'}"
            fix = f"choose --cores 1 to {there}" if there > 1 else "leave --cores out"
            raise UserError(Problem(what, f"board '{self.name}'", supported, fix))
        return cores or there


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
    clock, power = data.get("clock"), _parse_power(data["power"]) if "power" in data else None
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
        flash_timing=_parse_flash(data["flash"]) if "flash" in data else None,
        caches=tuple(Cache(**{**cache, "memories": tuple(cache["memories"])}) for cache in data.get("cache", ())),
        ranges=tuple(_parse_range(entry, power) for entry in data.get("range", ())),
        power=power,
        bands=Bands(**data["bands"]) if "bands" in data else None,
        peripherals=tuple(_parse_peripheral(entry) for entry in data.get("peripheral", ())),
        cluster=parse_cluster(data["cluster"]) if "cluster" in data else None,
    )


def _parse_flash(data: dict[str, Any]) -> Flash:
    prefetch = tuple(data["prefetch"]) if "prefetch" in data else None
    controller = FlashController(**data["controller"]) if "controller" in data else None
    return Flash(data["fill_overhead"], data["source"], prefetch, controller)


def _parse_power(data: dict[str, Any]) -> Power:
    cluster = ClusterPower(**data["cluster"]) if "cluster" in data else None
    return Power(data["supply_v"], data["source"], tuple(Idle(**mode) for mode in data["idle"]), cluster)


def _parse_range(data: dict[str, Any], power: Power | None) -> VoltageRange:
    if power and power.cluster:
        return power.cluster.range(**data, supply_v=power.supply_v)
    steps = tuple((hz, states) for hz, states in data["wait_states"])
    return VoltageRange(**{**data, "wait_states": steps})


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
