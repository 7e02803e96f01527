"""A network on a cluster: its build and what it cost. TEST DATA: every figure is invented, none was simulated."""

from __future__ import annotations

from typing import Any

from deploy.boards import Board, load_board
from edgekit.cluster_cost import ClusterCost, LayerCost

BOARD = load_board("gap8")
CORES = 4

# name, operator, MACs, cycles of core 0 by category, of every other core, bytes in and out, tiles
LAYERS = (
    (
        "conv0", "conv", 98_304, (7_001, 402, 311, 205, 97, 60, 404, 20, 0), (7_050, 400, 310, 210, 5, 0, 0, 525, 0),
        6_152, 4_096, 3,
    ),
    (
        "b1.add", "add", 0, (900, 31, 22, 48, 11, 0, 150, 18, 0), (910, 30, 20, 47, 3, 0, 0, 170, 0),
        8_192, 4_098, 1,
    ),
    (
        "fc", "dense", 40_960, (3_503, 120, 61, 77, 44, 8, 1_180, 7, 0), (3_510, 118, 60, 75, 2, 0, 0, 1_235, 0),
        41_287, 11, 5,
    ),
)  # fmt: skip
OVERHEAD = ((210, 12, 33, 2, 19, 25, 0, 0, 0), (11, 1, 2, 1, 0, 0, 0, 0, 286))
L3_WAIT, CONTROLLER, CONTROLLER_INSTRUCTIONS = 1_003, 812, 647


def cost(board: Board = BOARD, mhz: int = 100) -> ClusterCost:
    layers = {
        name: LayerCost(sum(first), 4 * first[0] + 1, (first, *[rest] * (CORES - 1)), loaded, stored)
        for name, _, _, first, rest, loaded, stored, _ in LAYERS
    }
    first, rest = OVERHEAD
    overhead = LayerCost(sum(first), 243, (first, *[rest] * (CORES - 1)))
    point = board.operating_point(mhz * 1_000_000)
    return ClusterCost(point, layers, overhead, CORES, L3_WAIT, CONTROLLER, CONTROLLER_INSTRUCTIONS)


def facts() -> dict[str, Any]:
    """The part of build.json that reports need."""
    layers = [
        {
            "name": name,
            "op": op,
            "kernel": f"{op}_sdotp",
            "why": "fewest predicted cycles of 2 that fit",
            "macs": macs,
            "executed_macs": macs + 7,
            "output": {"shape": [4, 9]},
            "tiles": tiles,
            "constants": "L3" if name == "fc" else "L2",
            "constant_bytes": macs // 3,
        }
        for name, op, macs, *_, tiles in LAYERS
    ]
    return {
        "model": "small",
        "params": 41_999,
        "macs": sum(layer["macs"] for layer in layers),
        "executed_macs": sum(layer["executed_macs"] for layer in layers),
        "info": {"classes": ["no", "yes"]},
        "layers": layers,
        "bytes": {
            "l1_arena": 40_008, "l1_stacks": 9_216, "l2_arena": 12_296, "l2_constants": 33_333, "l2_code": 20_202,
            "l2_stack": 2_048, "l3_constants": 44_448, "weights": 76_900,
        },
        "timeline": {
            "arena_bytes": 12_296,
            "steps": ["input", "conv0", "b1.add", "fc", "output"],
            "buffers": [{"name": "input", "kind": "tensor", "offset": 0, "bytes": 6_148, "first": 0, "last": 1}],
        },
    }  # fmt: skip


def quantized() -> dict[str, Any]:
    metrics = {"accuracy": 0.75, "balanced_accuracy": 0.7, "confusion": [[5, 1], [1, 1]]}
    nothing: dict[str, Any] = {"data": {"split": "", "note": ""}, "sqnr": [], "examples": [], "eeg": None}
    return {"metrics": {"float": metrics, "int8": metrics}, **nothing}


def report() -> dict[str, Any]:
    """As ``edgekit run`` would write it."""
    from edgekit.energy import Duty
    from edgekit.report import make_cluster_report

    training = {"preset": "int8", "seed": 0, "dataset": "made up"}
    return make_cluster_report(facts(), BOARD, cost(), Duty(), "5a3c" * 16, [], quantized(), training)
