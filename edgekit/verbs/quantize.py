"""Write a trained network as integer model.onnx, model.qcdq.onnx and model.json, and evaluate it on the test set."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgekit.screen import Screen, table

EXAMPLES = ("edgekit quantize runs/ecg", "edgekit quantize runs/ecg --json")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="folder that 'edgekit train' wrote; the files go there too")


def run(options: argparse.Namespace, screen: Screen) -> int:
    from edgekit.quantizing import check_line, quantize, unexplained
    from edgekit.report import confusion_table
    from edgekit.training import load_data
    from quant.training.train import load

    trained = load(options.folder)
    result = quantize(trained, load_data(trained.config["selection"], screen), options.folder, screen)
    rows = [
        (name, f"{100 * figures['accuracy']:.2f} %", f"{100 * figures['balanced_accuracy']:.2f} %")
        for name, figures in result.report["metrics"].items()
    ]
    screen.show(
        {"folder": str(options.folder), **result.report},
        table(("network", "accuracy", "balanced accuracy"), rows, numbers="lrr"),
        "",
        confusion_table(result.report["metrics"]["int8"]["confusion"], result.report["classes"]),
        "",
        check_line(result.report),
        f"next: edgekit build {options.folder / 'model.onnx'} --board stm32l475 --out firmware-{trained.model.name}",
    )
    return 1 if unexplained(result.report) else 0
