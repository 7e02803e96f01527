"""The table in docs/results.md: accuracy over seeds and presets, on the test set.

    python -m quant.training.results ecg-tcn --seeds 5

Presets of one seed start from the same float network, as ``edgekit train`` with that seed trains it. Integer figures
come from the integer graph's NumPy reference.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from quant import datasets, networks, reference
from quant.metrics import Metrics
from quant.networks.network import INPUT
from quant.training.evaluate import predict
from quant.training.export import to_graph
from quant.training.freeze import freeze
from quant.training.layerwise import quantize
from quant.training.loop import reproducible
from quant.training.stages import float_stage, quantized_stage
from quant.training.train import THREADS


def main() -> None:
    parser = argparse.ArgumentParser(description="accuracy over seeds and presets")
    parser.add_argument("model")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--presets", nargs="+")
    args = parser.parse_args()
    model = networks.model(args.model)
    data = datasets.load(model.dataset)
    classes = len(data.classes)
    x, y, test = torch.from_numpy(data.scale(data.x_train)), torch.from_numpy(data.y_train), data.scale(data.x_test)
    table: dict[str, list[tuple[float, float]]] = {}

    def note(row: str, scores: np.ndarray, started: float) -> None:
        metrics = Metrics.of(scores, data.y_test, classes)
        table.setdefault(row, []).append((100 * metrics.accuracy, 100 * metrics.balanced_accuracy))
        accuracy, balanced = table[row][-1]
        print(
            f"seed {seed} {row:10s} {accuracy:.2f} balanced {balanced:.2f} ({time.time() - started:.0f} s)", flush=True
        )

    with reproducible(THREADS):
        for seed in range(args.seeds):
            started = time.time()
            floating, _ = float_stage(model.network, x, y, model.recipe, seed, classes)
            note("float", predict(floating, torch.from_numpy(test)), started)
            for name in args.presets or model.presets:
                started = time.time()
                quantized, _ = quantized_stage(floating, x, y, model.recipe, model.preset(name), seed, classes)
                frozen = freeze(quantized)
                graph, inputs = to_graph(frozen), quantize(test, frozen.input)
                parts = [reference.run(graph, {INPUT: part}) for part in np.array_split(inputs, 18)]
                note(name, np.concatenate([part[graph.outputs[0].name] for part in parts]), started)
    columns = " | ".join(f"seed {seed}" for seed in range(args.seeds))
    print(f"\n| | {columns} | mean ± std | balanced, mean ± std |\n|{' --- |' * (args.seeds + 3)}")
    for row, pairs in table.items():
        values = np.array(pairs)
        means, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
        cells = " | ".join(f"{value:.2f}" for value in values[:, 0])
        print(f"| {row} | {cells} | {means[0]:.2f} ± {spread[0]:.2f} | {means[1]:.1f} ± {spread[1]:.1f} |")


if __name__ == "__main__":
    main()
