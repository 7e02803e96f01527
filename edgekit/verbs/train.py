"""Train a network in float, merge batch norm, and fine-tune it with fake quantization. Ctrl-C is safe: --resume."""

from __future__ import annotations

import argparse

from edgekit import training
from edgekit.screen import Screen, table

EXAMPLES = (
    "edgekit train ecg-tcn --out runs/ecg",
    "edgekit train ecg-tcn --preset int8-pot --seed 3 --out runs/pot",
    "edgekit train ecg-tcn --out runs/ecg --resume              # after Ctrl-C",
    "edgekit train ecg-tcn --balance weights --out runs/balanced",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    training.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    import quant.training.train  # noqa: F401  a missing torch is reported before anything is downloaded

    out = training.folder(options)
    done = training.train(options, training.load_data(training.selection(options), screen), out, screen)
    rows = [
        (name, f"{100 * figures['accuracy']:.2f} %", f"{100 * figures['balanced_accuracy']:.2f} %")
        for name, figures in done.metrics.items()
    ]
    columns = ("network", "accuracy", "balanced accuracy")
    screen.show(
        {"folder": str(out), "metrics": done.metrics},
        table(columns, rows, numbers="lrr"),
        "",
        f"next: edgekit quantize {out}",
    )
    return 0
