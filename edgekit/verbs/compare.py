"""Runs and boards side by side: accuracy, latency, energy, battery life and memory in one table and one picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edgekit import energy
from edgekit.screen import Screen, table

EXAMPLES = (
    "edgekit compare runs/ecg --boards stm32l475,stm32f756",
    "edgekit compare runs/ecg --boards stm32l475,stm32f756,gap8,gap9,mrwolf",
    "edgekit compare runs/int8 runs/w7a8 runs/pot --every 800ms",
    "edgekit compare mine.onnx --boards stm32l475 --json",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", help="folders that 'edgekit run' wrote, or model.onnx files")
    parser.add_argument("--boards", help="boards, separated by commas (default: each run's own)")
    parser.add_argument("--out", type=Path, default=Path("compare.html"), help="the picture (default compare.html)")
    energy.duty_arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.comparison import Subject, compare
    from edgekit.page.comparison import render
    from quant.datasets.cache import write_atomic

    boards = [name.strip() for name in (options.boards or "").split(",") if name.strip()]
    duty = energy.duty(options)
    subjects = [Subject.load(path) for path in options.runs]
    with screen.step("compare") as step:
        rows = compare(subjects, boards, duty, step.at)
        step.end(f"{len(rows)} prices")
    write_atomic(options.out, render(rows, duty).encode())
    clusters = any("cluster" in row for row in rows)
    columns = ("run", "board", "int8", "ms", "mJ", "days", "flash", "RAM")
    cell = f"one inference every {duty.period_s:g} s on {duty.battery_mah:g} mAh, microcontroller alone"
    screen.show(
        {"rows": rows, "page": str(options.out)},
        table(columns, [_cells(row) for row in rows], numbers="llrrrrrr"),
        "",
        *(f"{row['run']} on {row['board']}: {row['problem']}" for row in rows if row["problem"]),
        f"{cell}; picture in {options.out}",
        *(["flash -: clusters have none, their RAM is L1 and L2 with code and constants"] if clusters else []),
    )
    return 0


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    accuracy = "-" if row["accuracy"] is None else f"{100 * row['accuracy']:.2f} %"
    if row["problem"]:
        return (row["run"], row["board"], accuracy, "does not run", "-", "-", "-", "-")
    from edgekit.sizes import ram_bytes

    cost, duty, memory = row["cost"], row["duty"], row["memory"]
    return (
        row["run"],
        row["board"],
        accuracy,
        _range(cost, "latency_ms"),
        _range(cost, "energy_mj"),
        f"{duty['battery_days']:.1f}" if duty["in_time"] else "too slow",
        memory.get("flash_bytes", "-"),
        ram_bytes(memory),
    )


def _range(cost: dict[str, Any], key: str) -> str:
    from edgekit.page.figures import rounded

    return f"{rounded(cost[key])} ({rounded(cost[f'{key}_low'])}…{rounded(cost[f'{key}_high'])})"
