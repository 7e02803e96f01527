"""List the boards that firmware can be built for; with a name, everything known about one board."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from deploy.boards import Bands, Board, list_boards, load_board
from deploy.cluster import Cluster
from edgekit.screen import Screen, table

EXAMPLES = ("edgekit boards", "edgekit boards stm32l475", "edgekit boards gap8", "edgekit boards --json")


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
    flash = " + ".join(str(memory.bytes // 1024) for memory in board.memories if memory.kind == "flash")
    ram = " + ".join(str(memory.bytes // 1024) for memory in board.rams)
    if board.cluster:
        ram = f"L2 {ram} + L1 {board.cluster.l1.bytes // 1024}"
    return f"{flash} KB" if flash else "-", f"{ram} KB" if ram else "-"


def _facts(board: Board) -> list[tuple[Any, ...]]:
    clock = f"{board.clock_hz / 1e6:g} MHz" if board.clock_hz else "-"
    rows = [
        ("board", board.title, ""),
        ("core", f"{board.cores} x {board.core} ({', '.join(board.isa) or 'no extensions used'})", board.source),
        ("clock", clock, ""),
    ]
    for memory in board.memories:
        rows.append((memory.name, f"{memory.bytes:,} bytes at 0x{memory.start:08x} ({memory.kind})", memory.source))
    if board.cluster:
        rows += _cluster_facts(board.cluster)
    for cache in board.caches:
        text = f"{cache.lines} lines of {cache.line_bytes} bytes, {cache.ways} ways, serves {cache.serves}"
        rows.append((cache.name, text, cache.source))
    for one in board.ranges:
        states = ", ".join(f"{states} to {clock_hz / 1e6:g} MHz" for clock_hz, states in one.wait_states)
        first = f"up to {one.highest_hz / 1e6:g} MHz" if one.asleep else f"flash wait states: {states}"
        rows.append((one.name, first, one.source))
        rows.append(("", f"{_current(one.run_ma, one.run_ua_per_mhz)} under load", ""))
        if one.asleep:
            rows.append(("", f"{_current(*one.asleep)} while all cores of the cluster sleep", ""))
    if board.power and board.power.cluster:
        law = board.power.cluster
        text = f"V² x ({law.static_mw:g} mW + {law.dynamic_mw_per_mhz:g} mW/MHz)"
        rest = f"{100 * law.resting:g} % of the latter stay while all cores of the cluster sleep"
        rows.append(("power", f"{text}; {rest}", law.source))
    if board.power:
        rows.append(("supply", f"{board.power.supply_v:g} V", board.power.source))
        for idle in board.power.idle:
            current = f"{idle.ua:g} µA" + (f" + {idle.ua_per_mhz:g} µA/MHz" if idle.ua_per_mhz else "")
            text = f"{idle.title}: {current}, {idle.wake_us + idle.start_us:g} µs to wake up"
            rows.append((f"--idle {idle.name}", text, idle.source))
    if board.bands:
        text = f"cycles {_band(board.bands)}, current ±{board.bands.current_percent:g} %"
        rows.append(("error bands", text, board.bands.source))
    return rows


def _band(bands: Bands) -> str:
    above, below = bands.cycles_percent, bands.below_percent
    return f"±{above:g} %" if above == below else f"-{below:g} to +{above:g} %"


def _current(ma: float, ua_per_mhz: float) -> str:
    return f"{ma:.4g} mA + {ua_per_mhz:.4g} µA/MHz"


def _cluster_facts(cluster: Cluster) -> list[tuple[Any, ...]]:
    l1, cache, timing, latency, dma = cluster.l1, cluster.icache, cluster.timing, cluster.latency, cluster.dma
    controller = "with" if cluster.controller_xpulp else "without"
    rows = [
        ("cluster", f"{cluster.cores} cores compute; the controller executes code {controller} XpulpV2", ""),
        ("L1", f"{l1.bytes:,} bytes in {l1.banks} banks at 0x{l1.start:08x}", l1.source),
        ("instruction cache", f"{cache.bytes:,} bytes, shared; a miss takes {cache.miss_cycles} cycles", cache.source),
        ("instructions", f"mul {timing.mul}, mulh {timing.mulh}, taken branch {timing.branch_taken}", timing.source),
        ("latency", f"L2 {latency.pe_l2} cycles from a core, barrier {latency.barrier}", latency.source),
        ("DMA", f"{dma.latency_in} cycles + {dma.rate_in / 256:g} bytes per cycle from L2 to L1", dma.source),
    ]
    if cluster.l3:
        times = f"{cluster.l3.base_us:g} µs + {cluster.l3.ns_per_byte:g} ns per byte"
        rows.append(("L3", f"{cluster.l3.bytes:,} bytes of {cluster.l3.name}: {times}", cluster.l3.source))
    return rows
