"""Cost baseline of networks on emulated boards and of kernels on a cluster: ``python -m edgekit.bench`` writes it.

``--check`` compares instead.

The networks have seeded random weights, quantized and exported like trained ones: nothing is trained, so that the
figures move only when generated code, kernels, compiler flags or the timing model do. Kernels do the same work whatever
the weights are; what depends on values is which side of a clip is taken, and that is fixed by the seed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from deploy.boards import Board, load_board
from deploy.facts import table_macs
from deploy.plan import make_plan
from edgekit import bench_bits, bench_encoders
from edgekit.bench_networks import ENTRIES, Entry
from edgekit.cluster_bench import kernel_figures, network_figures
from edgekit.firmware import Firmware
from edgekit.placement import build_placed
from edgekit.samples import random_samples
from edgekit.sizes import memory_bytes
from quant.errors import UserError
from quant.graph import Graph
from quant.interchange.write import save, to_onnx
from quant.training.untrained import random_graph

BASELINE = Path("benchmarks") / "baseline.json"
NOTE = "seeded random weights, placement auto, one inference at the board's clock; written by 'make bench'"


def entry_graph(entry: Entry) -> Graph:
    """The entry's network with random weights; like a trained one it notes its order and its table's MACs."""
    graph = random_graph(entry.network)
    noted = {"order": entry.order, "macs": entry.published.macs}
    return replace(graph, info={**graph.info, **{key: value for key, value in noted.items() if value is not None}})


def measure(folder: Path, entries: Sequence[Entry] = ENTRIES) -> dict[str, dict[str, Any]]:
    """``network on board`` -> figures; builds below ``folder``."""
    figures = {}
    for entry in entries:
        graph = entry_graph(entry)
        for board in map(load_board, entry.boards):
            figures[f"{entry.name} on {board.name}"] = board_figures(graph, board, folder, entry.memory)
    for name, make in bench_bits.GRAPHS.items():
        for board in map(load_board, bench_bits.BOARDS):
            figures[f"{name} on {board.name}"] = board_figures(make(), board, folder)
    for name, graph in bench_encoders.encoders().items():
        for board in map(load_board, bench_encoders.BOARDS):
            figures[f"{name} on {board.name}"] = board_figures(graph, board, folder)
    return figures | kernel_figures(folder)


def board_figures(graph: Graph, board: Board, folder: Path, memory: int | None = None) -> dict[str, Any]:
    """Memory, MACs and, but on the host, cycles of one inference; or ``refused``: why the board cannot take it.

    ``memory``: as :func:`deploy.build.build`, for clusters.
    """
    try:
        if board.cluster:
            return network_figures(graph, board, folder, memory)
        if board.target == "host":
            plan = make_plan(graph, board)
            sizes = {"arena_bytes": plan.arena.size, "weight_bytes": plan.weight_bytes}
            return {"macs": table_macs(plan.graph), "executed_macs": plan.executed_macs, **sizes}
        save(to_onnx(graph), folder / "model.onnx")
        build_placed(folder / "model.onnx", board, folder / "image", "auto", force=True)
    except UserError as error:
        return {"refused": error.problems[0].what}
    return _figures(Firmware.load(folder / "image"))


def _figures(firmware: Firmware) -> dict[str, Any]:
    facts, cost = (
        firmware.facts,
        firmware.trace(random_samples(1, firmware.input)[0]).cost(firmware.board.operating_point()),
    )
    return {
        "instructions": cost.total.instructions,
        "cycles": cost.total.cycles.total,
        "stalls": asdict(cost.total.cycles),
        "macs": facts["macs"],
        "executed_macs": facts["executed_macs"],
        **memory_bytes(facts),
        "layer_cycles": {name: layer.cycles.total for name, layer in cost.layers.items()},
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> list[str]:
    """One line per figure that differs, with the change in percent."""
    lines = []
    for key in dict.fromkeys((*before, *now)):
        old, new = before.get(key), now.get(key)
        name = f"{place}, {key}" if place else key
        if isinstance(old, Mapping) or isinstance(new, Mapping):
            lines += changes(old or {}, new or {}, name)
        elif old is None:
            lines.append(f"{name}: {new} (new)")
        elif old != new:
            numbers = isinstance(old, int | float) and isinstance(new, int | float)
            percent = f" ({100 * (new - old) / old:+.2f} %)" if numbers and old else ""
            lines.append(f"{name}: {old} -> {new}{percent}")
    return lines


def main(words: Sequence[str] | None = None) -> int:
    """Write the baseline, or compare with it: exit code 1 where figures moved."""
    parser = argparse.ArgumentParser(prog="edgekit.bench", description=__doc__)
    parser.add_argument("--check", action="store_true", help="show what moved, write nothing")
    parser.add_argument("--file", type=Path, default=BASELINE)
    options = parser.parse_args(words)
    before = json.loads(options.file.read_text(encoding="utf-8"))["figures"] if options.file.exists() else {}
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as folder:
        now = measure(Path(folder))
    moved = changes(before, now)
    print("\n".join(moved) or "no figure has moved")
    if not options.check:
        options.file.parent.mkdir(parents=True, exist_ok=True)
        options.file.write_text(json.dumps({"note": NOTE, "figures": now}, indent=1) + "\n", encoding="utf-8")
    return 1 if options.check and moved else 0


if __name__ == "__main__":
    sys.exit(main())
