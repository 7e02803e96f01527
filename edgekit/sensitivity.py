"""How much each assumption of the cost model moves a result: ``python -m edgekit.sensitivity FIRMWARE [FIRMWARE ...]``.

Every row prices the same inference with one assumption changed; what the board's data or the core's timing leave open
is listed in docs/cost-model.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from deploy.boards import Board, Cache
from edgekit.emulate.timing import CORES
from edgekit.emulate.timing.core import Core
from edgekit.firmware import Firmware
from edgekit.samples import random_samples
from edgekit.screen import table

Change = tuple[str, Callable[[Board], Board], Callable[[Core], Core]]


def changes(board: Board) -> list[Change]:
    """The assumptions that concern a board: what is assumed instead, and how."""

    def same_core(core: Core) -> Core:
        return core

    def same_board(board: Board) -> Board:
        return board

    def with_caches(change: Callable[[Cache], Cache]) -> Callable[[Board], Board]:
        return lambda board: replace(board, caches=tuple(change(cache) for cache in board.caches))

    def overhead(cycles: int) -> Callable[[Board], Board]:
        def change(board: Board) -> Board:
            assert board.flash_timing is not None
            return replace(board, flash_timing=replace(board.flash_timing, fill_overhead=cycles))

        return change

    now = board.flash_timing.fill_overhead if board.flash_timing else 0
    core = CORES[board.core]
    found: list[Change] = [
        ("caches 4-way instead", with_caches(lambda cache: replace(cache, ways=min(4, cache.lines))), same_core),
        ("caches 2-way instead", with_caches(lambda cache: replace(cache, ways=2)), same_core),
        ("a flash read costs one cycle less", overhead(max(now - 1, 0)), same_core),
        ("a flash read costs one cycle more", overhead(now + 1), same_core),
    ]
    if core.taken:
        for taken in (core.taken - 1, core.taken + 1):
            found.append((f"a taken branch refills {taken} cycles", same_board, partial(replace, taken=taken)))
    if core.mispredicted:
        for lost in (core.mispredicted - 2, core.mispredicted + 4):
            name = f"a mispredicted branch costs {lost} cycles"
            found.append((name, same_board, partial(replace, mispredicted=lost)))
    return found


def cycles(firmware: Firmware, board: Board, core: Core) -> int:
    """Cycles of one inference of ``firmware`` on a board and core that are not quite its own."""
    traced = firmware.trace(random_samples(1, firmware.input)[0], board, core)
    return traced.cost(board.operating_point()).total.cycles.total


def main(words: Sequence[str] | None = None) -> int:
    """Print one table per firmware folder."""
    parser = argparse.ArgumentParser(prog="edgekit.sensitivity", description=__doc__)
    parser.add_argument("firmware", type=Path, nargs="+", help="folders that 'edgekit build' wrote")
    console = Console(width=100)
    for folder in parser.parse_args(words).firmware:
        firmware = Firmware.load(folder)
        board, core = firmware.board, CORES[firmware.board.core]
        base = cycles(firmware, board, core)
        rows: list[tuple[object, ...]] = [("as modelled", base, "")]
        for name, change_board, change_core in changes(board):
            changed = cycles(firmware, change_board(board), change_core(core))
            rows.append((name, changed, f"{100 * (changed / base - 1):+.2f} %"))
        title = f"{firmware.facts['model']} on {board.name}"
        console.print(table((title, "cycles", "effect"), rows, numbers="lrr"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
