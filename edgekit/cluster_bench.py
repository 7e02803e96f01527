"""Figures of clusters for the baseline: networks on every board, and single kernels on GAP8."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.boards import Board, load_board
from deploy.build import Build, build_graph
from edgekit.bench_bits import searches
from edgekit.cluster_cost import KEYS, ClusterCost, named
from edgekit.simulation import Simulator
from edgekit.sizes import planned_bytes
from quant.graph import Graph, GraphBuilder, Tensor
from quant.ops import Add, Conv, Dense, Table
from quant.ops.base import Op
from quant.requant import Requant

FIRST, LAYER = "first", "layer"
STREAMING = "dense 1024 to 256, weights from L2"
IDENTITY = np.arange(-128, 128)


def network_figures(graph: Graph, board: Board, folder: Path, memory: int | None = None) -> dict[str, Any]:
    """One inference on all cores; ``speedup``: over the same on one core; ``memory``: as in a build."""
    built, cost = _simulated(graph, board, folder, None, memory)
    facts = built.facts
    alone = _simulated(graph, board, folder, 1, memory)[1]
    core0 = cost.cluster.by_core[0]
    return {
        "cycles": cost.cycles,
        "instructions": cost.instructions,
        "stalls": named(cost.cluster.categories),
        "mac_per_cycle": round(facts["macs"] / cost.cycles, 2),
        "speedup": round(alone.cycles / cost.cycles, 2),
        "dma_wait_percent": round(100 * core0[KEYS.index("dma")] / cost.cycles, 2),
        "macs": facts["macs"],
        "executed_macs": facts["executed_macs"],
        **{f"{name}_bytes": size for name, size in facts["bytes"].items()},
        "planned_bytes": planned_bytes(facts),
        "layer_cycles": {name: layer.cycles for name, layer in cost.layers.items()},
    }


def kernel_figures(folder: Path) -> dict[str, dict[str, Any]]:
    """Single layers on GAP8, each behind an equal one, whose instructions it finds in the cache.

    ``mac_per_cycle``: of the kernel itself, its operands in L1, until the slowest core is done; ``of_layer``: with
    everything around it, weights from L2; ``speedup``: of the kernel, over one core; ``portable``: how much longer the
    layer in portable C takes on one core.
    """
    board = load_board("gap8")
    plain = replace(board, isa=tuple(name for name in board.isa if name != "xpulpv2"))
    figures = {}
    for name, make in KERNELS.items():
        graph = make(np.random.default_rng(0))
        portable = _simulated(graph, plain, folder, 1)[1].layers[LAYER].cycles
        alone = _simulated(graph, board, folder, 1)[1].layers[LAYER].cycles
        built, cost = _simulated(graph, board, folder, None)
        layer = next(layer for layer in built.facts["layers"] if layer["name"] == LAYER)
        shared, single = (_kernel_cycles(built, board, cores) for cores in (None, 1))
        figures[f"{name} on gap8"] = {
            "kernel_cycles": shared,
            "cycles": cost.layers[LAYER].cycles,
            "mac_per_cycle": round(layer["macs"] / shared, 2),
            "mac_per_cycle_of_layer": round(layer["macs"] / cost.layers[LAYER].cycles, 2),
            "speedup": round(single / shared, 2),
            "portable": round(portable / alone, 2),
            "stalls": named(cost.layers[LAYER].categories),
        }
    figures[f"{STREAMING} on gap8"] = _streaming_figures(folder)
    return figures


def _streaming_figures(folder: Path) -> dict[str, Any]:
    """A dense layer that uses every weight once: as fast as the DMA brings them."""
    op = _dense(1024, 256)(np.random.default_rng(0)).nodes[1].op
    builder = GraphBuilder("streaming")
    x = builder.add("before", Table(IDENTITY, 0), builder.input("x", (1024,), zero_point=0, scale=0.1), scale=0.1)
    builder.output(builder.add(LAYER, op, x, scale=0.1))
    built, cost = _simulated(builder.build(), load_board("gap8"), folder, None)
    layer = next(layer for layer in built.facts["layers"] if layer["name"] == LAYER)
    cycles = cost.layers[LAYER].cycles
    return {"cycles": cycles, "mac_per_cycle_of_layer": round(layer["macs"] / cycles, 2)}


def _kernel_cycles(built: Build, board: Board, cores: int | None) -> int:
    """Cycles of the layer's kernel alone, of all its calls."""
    simulator, symbols = Simulator(built.folder, built.facts, board), {ly["name"]: ly for ly in built.facts["layers"]}
    (layer,) = (layer for layer in built.plan.layers if layer.node.name == LAYER)
    first, sample = symbols[FIRST]["symbol"], _sample(built.plan.graph.inputs[0])[0]
    functions = [f"call_{call.function.removeprefix('ek_')}" for call in layer.calls]
    return sum(simulator.time_in(name, first, sample, board.operating_point(), cores) for name in functions)


def _sample(x: Tensor) -> NDArray:
    """One input of random values."""
    return np.random.default_rng(0).integers(x.dtype.low, x.dtype.high + 1, (1, *x.shape)).astype(x.dtype.numpy)


def _simulated(
    graph: Graph, board: Board, folder: Path, cores: int | None, memory: int | None = None
) -> tuple[Build, ClusterCost]:
    built = build_graph(graph, board, folder / "cluster", memory=memory, force=True)
    sample = _sample(graph.inputs[0])
    return built, Simulator(built.folder, built.facts, board).run(sample, board.operating_point(), cores).cost


def _requant(random: np.random.Generator, channels: int, inputs: int) -> Requant:
    real = random.uniform(0.5, 1.0, channels) / (60 * np.sqrt(inputs))
    return Requant.from_real(real, zero_point=-128, lo=-128, hi=127)


def _weights(random: np.random.Generator, *shape: int) -> NDArray[np.int64]:
    return random.integers(-127, 128, shape)


def _conv(inputs: int, outputs: int, size: int, kernel: int, groups: int = 1) -> Callable[[np.random.Generator], Graph]:
    def make(random: np.random.Generator) -> Graph:
        weight = _weights(random, outputs, inputs // groups, kernel, kernel)
        op = Conv(
            weight,
            random.integers(-999, 999, outputs),
            _requant(random, outputs, weight[0].size),
            (1, 1),
            (1, 1),
            (kernel // 2,) * 4,
            groups,
        )
        return _network(op, (inputs, size, size))

    return make


def _dense(inputs: int, outputs: int) -> Callable[[np.random.Generator], Graph]:
    def make(random: np.random.Generator) -> Graph:
        op = Dense(_weights(random, outputs, inputs), np.zeros(outputs, np.int64), _requant(random, outputs, inputs))
        return _network(op, (inputs,))

    return make


def _network(op: Op, shape: tuple[int, ...]) -> Graph:
    """Two equal layers on the same input, then their sum: tensors lie in L1."""
    builder = GraphBuilder("kernel")
    x = builder.add("before", Table(IDENTITY, 0), builder.input("x", shape, zero_point=0, scale=0.1), scale=0.1)
    first, y = (builder.add(name, op, x, scale=0.1) for name in (FIRST, LAYER))
    builder.output(builder.add("after", Add.from_scales((0.1, -128), (0.1, -128), (0.2, 0)), first, y, scale=0.2))
    return builder.build()


KERNELS = {
    "conv 3x3, 32 to 32 channels, 16x16": _conv(32, 32, 16, 3),
    "conv 1x1, 32 to 32 channels, 16x16": _conv(32, 32, 16, 1),
    "conv 1x1, 128 to 128 channels, 8x8": _conv(128, 128, 8, 1),
    "depthwise 3x3, 32 channels, 16x16": _conv(32, 32, 16, 3, 32),
    "dense 256 to 128": _dense(256, 128),
    "hamming, 4 classes of 10,000 bits": lambda random: searches((FIRST, LAYER)),
}
