"""List the operators of the integer graph and, per target, the kernels that compute them. Generated from the code."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from deploy.boards import list_boards, load_board
from deploy.kernels import KERNELS
from edgekit.screen import Screen, table
from quant.errors import unknown
from quant.ops import OPS

EXAMPLES = ("edgekit ops", "edgekit ops --target cortex-m", "edgekit ops --target gap", "edgekit ops --json")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", help="only what this target runs: host, cortex-m or gap")


def run(options: argparse.Namespace, screen: Screen) -> int:
    features = target_features()
    if options.target and options.target not in features:
        raise unknown("target", options.target, features)
    targets = [options.target] if options.target else sorted(features)
    facts: list[dict[str, Any]] = [
        {
            "op": op.kind,
            "onnx": list(op.roots),
            "what": (op.__doc__ or "").strip().splitlines()[0],
            "kernels": {target: kernels(op, features[target]) for target in targets},
        }
        for op in OPS
    ]
    columns = ("operator", "starts in ONNX as", *(f"kernels on {target}" for target in targets))
    rows = [(f["op"], ", ".join(f["onnx"]), *(_names(f["kernels"][target]) for target in targets)) for f in facts]
    screen.show(facts, table(columns, rows), "", "-: computed by the NumPy reference and ONNX Runtime, no C kernel yet")
    return 0


def target_features() -> dict[str, frozenset[str]]:
    """Instruction-set features that the boards of each target have between them."""
    features: dict[str, frozenset[str]] = {}
    for board in map(load_board, list_boards()):
        features[board.target] = features.get(board.target, frozenset({"portable"})) | set(board.isa)
    return features


def kernels(op: Any, features: Iterable[str]) -> list[str]:
    """Names of the kernels for an operator that need nothing but ``features``."""
    return [kernel.name for kernel in KERNELS if kernel.op is op and kernel.isa in set(features)]


def _names(names: list[str]) -> str:
    return ", ".join(names) or "-"
