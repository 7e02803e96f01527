"""Which constants and functions are worth copying to RAM: decided from one traced inference of the build in flash.

A candidate is a layer's constants, worth the cycles that the layer waits for data from flash, or a function, worth the
cycles that its instructions are waited for. Candidates are taken by cycles per byte as long as they fit, and the second
build is measured: what does not pay is taken back.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.boards import Board
from deploy.build import Build, build, refuse_memory
from deploy.operating_point import OperatingPoint
from deploy.placement import FLASH, RAM, Placement
from edgekit.firmware import Firmware
from edgekit.options import positive
from edgekit.samples import random_samples
from quant.errors import unknown

if TYPE_CHECKING:
    from edgekit.emulate.cortex_m import Traced

CHOICES = ("auto", "flash", "ram")
WORTHWHILE = 0.001  # of all cycles, for one candidate
SHARE = 0.5  # of the RAM that a build leaves free: the rest is the application's


@dataclass(frozen=True)
class Placed:
    """A build and how its placement came about; ``report`` is the entry ``placement`` of a report.

    A board with a cluster has no flash to copy from: its report is empty.
    """

    build: Build
    report: dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """Something that could move: its kind is a field of :class:`Placement`."""

    kind: str
    name: str
    bytes: int
    cycles: int


def no_flash(board: Board, choice: str | None) -> list[str]:
    """What to say where a placement was asked for that cannot change anything."""
    if choice is None or not board.cluster:
        return []
    return [f"--placement has no effect: {board.name} has no flash to copy from, constants lie in L2 or L3"]


def memory_argument(parser: argparse.ArgumentParser, flag: str = "--memory") -> None:
    """``--memory``, or another ``flag``, of verbs that build."""
    parser.add_argument(
        flag,
        dest="memory",
        type=positive,
        metavar="BYTES",
        help="of tensors in L2, buffers in L1, weights and scales together, on a board with a cluster: a smaller plan,"
        " which may take longer (default: the fastest plan)",
    )


def build_placed(
    model: Path,
    board: Board,
    out: Path,
    choice: str,
    *,
    point: OperatingPoint | None = None,
    compiler: str = "zig",
    memory: int | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Placed:
    """Build with the placement that was asked for.

    Args:
        choice: ``auto`` (needs the emulator), ``flash`` or ``ram``.
        point: operating point that ``auto`` decides for; the board's own by default.
        memory: as :func:`deploy.build.build`.

    Raises:
        UserError: unknown choice, or what :func:`deploy.build.build` raises.
    """
    check(choice)
    if board.cluster:
        built = build(model, board.name, out, compiler=compiler, memory=memory, force=force, progress=progress)
        return Placed(built, {})
    refuse_memory(board, memory)
    if board.target != "cortex-m":
        choice = "flash"
    first = RAM if choice == "ram" else FLASH
    built = build(model, board.name, out, compiler=compiler, placement=first, force=force, progress=progress)
    if choice != "auto":
        where = "everything in RAM" if choice == "ram" else "everything in flash"
        return Placed(built, _report(choice, built.folder, 0, f"{where}, as asked for"))
    point = point or board.operating_point()
    firmware = Firmware.load(out)
    sample = random_samples(1, firmware.input)[0]
    progress("choosing what to keep in RAM")
    traced = firmware.trace(sample)
    before = traced.cost(point).total.cycles.total
    placement = choose(firmware, traced, point)
    if placement == FLASH:
        return Placed(built, _report(choice, out, 0, f"nothing gains {100 * WORTHWHILE:g} % of the cycles in RAM"))
    built = build(model, board.name, out, compiler=compiler, placement=placement, force=True, progress=progress)
    after = Firmware.load(out).trace(sample).cost(point).total.cycles.total
    if after >= before:
        built = build(model, board.name, out, compiler=compiler, force=True, progress=progress)
        return Placed(built, _report(choice, out, 0, "RAM was tried and is not faster"))
    gain = f"{before - after:,} of {before:,} cycles are saved at {point.clock_hz / 1e6:g} MHz"
    return Placed(built, _report(choice, out, before - after, gain))


def check(choice: str) -> None:
    """Raises UserError unless ``choice`` is one of :data:`CHOICES`."""
    if choice not in CHOICES:
        raise unknown("placement", choice, CHOICES)


def choose(firmware: Firmware, traced: Traced, point: OperatingPoint) -> Placement:
    """What pays and fits, for a build that has everything in flash."""
    board, sizes = firmware.board, firmware.facts["bytes"]
    used = sizes["ram"] - (0 if board.stack_ram in board.data_rams else sizes["stack"])
    room = {"constants": int(SHARE * (sum(ram.bytes for ram in board.data_rams) - used)), "code": 0}
    if board.code_ram is not None:
        room["code"] = int(SHARE * (board.code_ram.bytes - (sizes["stack"] if board.code_ram.stack else 0)))
    threshold = WORTHWHILE * traced.cost(point).total.cycles.total
    chosen: dict[str, set[str]] = {"constants": set(), "code": set()}
    found = candidates(firmware.facts, traced, point)
    for one in sorted(found, key=lambda c: (-c.cycles / max(c.bytes, 1), c.name)):
        if one.cycles >= threshold and one.bytes <= room[one.kind]:
            chosen[one.kind].add(one.name)
            room[one.kind] -= one.bytes
    return Placement(frozenset(chosen["constants"]), frozenset(chosen["code"]))


def candidates(facts: Mapping[str, Any], traced: Traced, point: OperatingPoint) -> list[Candidate]:
    """Every layer's constants and every function of a layer, with the cycles that flash costs them."""
    by_layer, by_function = traced.flash_waits(point)
    symbols = traced.code.image.symbols
    functions = dict.fromkeys(name for layer in facts["layers"] for name in layer["functions"])
    return [
        *(
            Candidate("constants", ly["name"], ly["constant_bytes"], by_layer.get(ly["name"], 0))
            for ly in facts["layers"]
        ),
        *(
            Candidate("code", name, symbols[name].size, by_function.get(name, 0))
            for name in functions
            if name in symbols
        ),
    ]


def placement_line(report: Mapping[str, Any]) -> str:
    """The entry ``placement`` of a report in words."""
    if not report["in_ram"] and not report["code_in_ram"]:
        return f"placement {report['choice']}: constants and code stay in flash; {report['reason']}"
    return (
        f"placement {report['choice']}: {report['ram_bytes']:,} bytes copied to RAM (constants of "
        f"{len(report['in_ram'])} layers, {len(report['code_in_ram'])} functions)\n  {report['reason']}"
    )


def _report(choice: str, folder: Path, saved: int, reason: str) -> dict[str, Any]:
    facts = Firmware.load(folder).facts
    return {
        "choice": choice,
        "in_ram": [layer["name"] for layer in facts["layers"] if layer["constants"] == "ram"],
        "code_in_ram": facts["code_in_ram"],
        "ram_bytes": facts["bytes"]["placed"],
        "saved_cycles": saved,
        "reason": reason,
    }
