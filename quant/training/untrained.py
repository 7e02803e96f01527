"""Networks that nobody has trained: what depends on their shape alone needs no more.

torch is imported only when a graph is made, so that this module can be imported without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from quant.graph import Graph
from quant.lowering import Scale
from quant.networks.layers import Add, Conv, Dense, Elu, Pool
from quant.networks.network import Network


def random_graph(network: Network, seed: int = 0) -> Graph:
    """The integer graph of ``network`` as the export makes it, with random weights, biases and plausible scales."""
    from quant.training.export import to_graph
    from quant.training.freeze import Frozen, FrozenLayer
    from quant.training.quantized import signed_steps

    signed, rng = signed_steps(network), np.random.default_rng(seed)
    layers: dict[str, Any] = {}
    for step in network.steps:
        layer = step.layer
        if isinstance(layer, Conv | Dense):
            inputs = step.weights // step.shape[0]
            shape: tuple[int, ...] = (step.shape[0], inputs)
            if isinstance(layer, Conv):
                taps = layer.geometry(len(step.shape) - 1)[0]
                shape = (step.shape[0], step.in_shapes[0][0] // layer.groups, *taps)
            weight = np.clip(np.rint(rng.normal(0, 40, shape)), -127, 127).astype(np.int64)
            steps = np.full(step.shape[0], 1 / (40 * np.sqrt(inputs)), np.float32)
            bias = rng.integers(-2000, 2000, step.shape[0])
            output = Scale(float(np.float32(1 / 64)), layer.activation != "relu")
            layers[step.name] = FrozenLayer(output, weight, steps, bias)
        elif isinstance(layer, Add):
            layers[step.name] = FrozenLayer(Scale(float(np.float32(1 / 48)), layer.activation != "relu"))
        elif isinstance(layer, Elu) or (isinstance(layer, Pool) and layer.kind == "average"):
            layers[step.name] = FrozenLayer(Scale(float(np.float32(1 / 64)), signed[step.name]))
    return to_graph(Frozen(network, Scale(float(np.float32(1 / 64)), network.signed_input), layers))
