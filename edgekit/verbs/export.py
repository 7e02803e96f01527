"""Write an integer model.onnx of bits as QONNX: float operators around BipolarQuant, for tools that read those.

Reading it back ('edgekit build' takes it) gives the same layers on bits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edgekit.screen import Screen

EXAMPLES = ("edgekit export binary.onnx --out binary.qonnx.onnx",)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="integer model.onnx")
    parser.add_argument("--out", type=Path, required=True, help="file to write")


def run(options: argparse.Namespace, screen: Screen) -> int:
    from quant.interchange.qonnx import to_qonnx
    from quant.interchange.read import read_model
    from quant.interchange.write import save

    graph = read_model(options.model)
    save(to_qonnx(graph), options.out)
    screen.show({"out": str(options.out)}, f"{options.out}: {len(graph.nodes)} layers")
    return 0
