"""EEGNet with a binary memory in one go: train, quantize, project, build, emulate, compare all machines, report.

The int8 network is trained as ever; bits of the features in front of its last layer, and a row of bits per class, take
that layer's place. --memory random draws the projection from a seed, --memory learned trains it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edgekit import delivery, energy, training
from edgekit.folders import RUN_FILE, check_run_folder
from edgekit.options import positive
from edgekit.screen import Screen
from quant.mann.sizes import DIMENSIONS, MEMORIES

EXAMPLES = (
    "edgekit run mann-eegnet --memory random --dim 2048 --board stm32l475            # made-up EEG: no download",
    "edgekit run mann-eegnet --memory learned --data eegmmidb --preset edge-m4f --board gap8",
)
BACKBONE = "eegnet"
FOLDER = "backbone"


def arguments(parser: argparse.ArgumentParser) -> None:
    training.arguments(parser)
    kind = parser.add_argument_group("memory")
    kind.add_argument(
        "--memory", dest="kind", choices=MEMORIES, default="random", help="how bits are made (default: random)"
    )
    default = ", ".join(f"{name} {size}" for name, size in DIMENSIONS.items())
    kind.add_argument("--dim", type=positive, help=f"bits per class (default: {default})")
    delivery.arguments(parser, memory="--cluster-memory")
    energy.core_argument(parser)
    energy.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    import quant.training.train  # noqa: F401
    from edgekit import hd, mann, quantizing
    from quant.datasets.cache import write_atomic
    from quant.mann.graph import NAME

    target = delivery.Target.of(options)
    out: Path = options.out or Path("runs") / NAME
    check_run_folder(out, options.resume, options.force)
    network = argparse.Namespace(**{**vars(options), "model": BACKBONE, "out": out / FOLDER})
    folder = training.folder(network)
    data = training.load_data(training.selection(network), screen)
    trained = training.train(network, data, folder, screen)
    quantized = quantizing.quantize(trained, data, folder, screen)
    dimension = options.dim or DIMENSIONS[options.kind]
    augmented = mann.augment(trained, quantized, data, options.kind, dimension, out, screen)
    config = {**trained.config, "model": NAME, "memory": options.kind, "dimension": dimension}
    write_atomic(out / RUN_FILE, (json.dumps(config, indent=2) + "\n").encode())
    done = delivery.deliver(augmented.graph, out, augmented.inputs, target, augmented.quantized, config, screen)
    done.report["hd"] = augmented.facts
    done.report["memory_sizes"] = augmented.sizes
    done.report["methods"] = {"float": "EEGNet, float32", "int8": f"int8 with a {options.kind} memory"}
    plain = quantized.report["metrics"]["int8"]["accuracy"]
    lines = [
        f"EEGNet with its own last layer, int8: {100 * plain:.2f} %",
        *hd.lines(augmented.facts, data.classes),
        "",
        *mann.size_lines(augmented.sizes),
    ]
    faults = [f"float64 check: layer '{name}' differs" for name in quantizing.unexplained(quantized.report)]
    return delivery.conclude(done, out, target, options.placement, screen, lines, faults)
