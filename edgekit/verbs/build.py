"""Turn an integer model.onnx (or a QCDQ or QONNX model) into a C project, firmware and a size table. Needs no torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgekit import placement, streaming
from edgekit.screen import Screen, table

EXAMPLES = (
    "edgekit build runs/ecg/model.onnx --board stm32l475 --out firmware-ecg",
    "edgekit build mine.onnx --board stm32l475 --out fw --placement auto",
    "edgekit build mine.onnx --board gap8 --out app            # cluster: for the GAP SDK and bare metal",
    "edgekit build eeg.onnx --board gap8 --out app --memory 36864   # cluster: slower, but within 36 KB",
    "edgekit build mine.onnx --board host --out host-mine       # shared library and command",
    "edgekit build mine.onnx --board stm32l475 --out fw --compiler gcc --force",
    "edgekit build eeg.onnx --board stm32l475 --out fw --streaming 64    # PREFIX_step: 64 new samples per call",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="integer model.onnx, QCDQ, or QONNX of bits")
    parser.add_argument("--board", required=True, help="board to build for ('edgekit boards' lists them)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--compiler", default="zig", help="zig (default) or gcc (the target's own)")
    parser.add_argument(
        "--placement",
        help="constants and code in flash (default), in ram, or auto: in RAM where the emulator finds that it pays;"
        " not on boards with a cluster, which have no flash",
    )
    placement.memory_argument(parser)
    parser.add_argument("--force", action="store_true", help="write into a folder that is not empty")
    streaming.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    from deploy.boards import load_board
    from edgekit.firmware import Firmware
    from edgekit.macs import macs_line
    from edgekit.placement import build_placed, no_flash, placement_line
    from edgekit.sizes import fit_lines, layer_rows

    with streaming.step_model(options.model, options) as model, screen.step("firmware") as step:
        result = build_placed(
            model,
            load_board(options.board),
            options.out,
            options.placement or "flash",
            compiler=options.compiler,
            memory=options.memory,
            force=options.force,
            progress=step.end,
        )
        step.end(str(options.out))
    firmware = Firmware.load(options.out)
    columns = ("layer", "operator", "kernel", "output", "MACs", "executed", "bytes out", "scratch")
    screen.show(
        {"folder": str(options.out), **firmware.facts, "placement": result.report},
        table(columns, layer_rows(firmware.facts), numbers="llllrrrr"),
        macs_line(firmware.facts),
        "",
        *fit_lines(firmware.facts, firmware.board),
        *([placement_line(result.report)] if result.report else []),
        *no_flash(firmware.board, options.placement),
        f"in {options.out}",
    )
    return 0
