"""List the boards that firmware can be built for; with a name, everything known about one board."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from deploy.boards import Board, list_boards, load_board
from edgekit.screen import Screen, table

EXAMPLES = ("edgekit boards", "edgekit boards stm32l475", "edgekit boards --json")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", nargs="?", help="name of one board")


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.board:
        board = load_board(options.board)
        screen.show(asdict(board), table(("", "", "source"), _facts(board)))
        return 0
    boards = [load_board(name) for name in list_boards()]
    columns = ("board", "what it is", "target", "flash", "RAM")
    rows = [(b.name, b.title, b.target, *_sizes(b)) for b in boards]
    screen.show([asdict(board) for board in boards], table(columns, rows, numbers="lllrr"))
    return 0


def _sizes(board: Board) -> tuple[str, str]:
    flash = f"{board.flash.bytes // 1024} KB" if board.memories else "-"
    return flash, " + ".join(str(memory.bytes // 1024) for memory in board.rams) + " KB" if board.rams else "-"


def _facts(board: Board) -> list[tuple[Any, ...]]:
    clock = f"{board.clock_hz / 1e6:g} MHz" if board.clock_hz else "-"
    rows = [
        ("board", board.title, ""),
        ("core", f"{board.cores} x {board.core} ({', '.join(board.isa) or 'no extensions used'})", board.source),
        ("clock", clock, ""),
    ]
    for memory in board.memories:
        rows.append((memory.name, f"{memory.bytes:,} bytes at 0x{memory.start:08x} ({memory.kind})", memory.source))
    for cache in board.caches:
        text = f"{cache.lines} lines of {cache.line_bytes} bytes, {cache.ways} ways, serves {cache.serves}"
        rows.append((cache.name, text, cache.source))
    for one in board.ranges:
        states = ", ".join(f"{states} to {clock_hz / 1e6:g} MHz" for clock_hz, states in one.wait_states)
        rows.append((one.name, f"flash wait states: {states}", one.source))
        rows.append(("", f"{one.run_ma:g} mA + {one.run_ua_per_mhz:g} µA/MHz under load", ""))
    if board.power:
        rows.append(("supply", f"{board.power.supply_v:g} V", board.power.source))
        for idle in board.power.idle:
            current = f"{idle.ua:g} µA" + (f" + {idle.ua_per_mhz:g} µA/MHz" if idle.ua_per_mhz else "")
            text = f"{idle.title}: {current}, {idle.wake_us:g} µs to wake up"
            rows.append((f"--idle {idle.name}", text, idle.source))
    if board.bands:
        text = f"cycles ±{board.bands.cycles_percent:g} %, current ±{board.bands.current_percent:g} %"
        rows.append(("error bands", text, board.bands.source))
    return rows
