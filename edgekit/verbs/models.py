"""List the networks that EdgeKit trains, with their size and presets."""

from __future__ import annotations

import argparse

from edgekit.screen import Screen, table
from quant.networks import MODELS, PRESETS

EXAMPLES = ("edgekit models", "edgekit models --json")


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace, screen: Screen) -> int:
    facts = [
        {
            "name": model.name,
            "description": model.description,
            "dataset": model.dataset,
            "input_shape": list(model.network.input_shape),
            "weights": model.network.weights,
            "macs": model.network.macs,
            "presets": list(model.presets),
        }
        for model in MODELS.values()
    ]
    columns = ("model", "what it does", "data set", "weights", "MACs")
    rows = [(f["name"], f["description"], f["dataset"], f["weights"], f["macs"]) for f in facts]
    presets = {name: PRESETS[name] for model in MODELS.values() for name in model.presets}
    schemes = [(name, preset.description) for name, preset in presets.items()]
    screen.show(facts, table(columns, rows, numbers="lllrr"), "", table(("preset", "quantization"), schemes))
    return 0
