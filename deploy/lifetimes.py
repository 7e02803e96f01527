"""From which step to which the buffers of a board with one core are live, and where that puts them.

Step 0 copies the inputs in, step i + 1 is layer i, the last one copies the outputs out. An entry runs some of the
layers in this order: what is live between two of them keeps its place in all. Layers that run in tiles take
their steps again and again: what such a group reads and writes is live throughout, what lies between two of its layers
holds one tile and is free again when the second one has run.
"""

from __future__ import annotations

from collections.abc import Sequence

from deploy.layers import Layer, Lowered
from deploy.memory import Arena, Buffer
from deploy.memory import plan as plan_memory
from deploy.pieces import Tiled

Storage = dict[str, str]


def scratch_name(layer: Layer) -> str:
    """Name of a layer's scratch buffer."""
    return f"scratch of layer {layer.index}"


def place(low: Lowered, runs: Sequence[Tiled]) -> tuple[Arena, Storage]:
    """Addresses, with and without outputs taking their inputs' place, whichever needs less memory."""
    plans = [(plan_memory(buffers(low, runs, s)), s) for s in (shared(low, runs), low.storage)]
    return min(plans, key=lambda entry: entry[0].size)


def shared(low: Lowered, runs: Sequence[Tiled]) -> Storage:
    """Storage where every output takes its input's place if it can."""
    storage = dict(low.storage)
    live = spans(low, runs, storage)
    for run in runs:
        for position, layer in enumerate(run.group.layers):
            target = storage[layer.node.output]
            host = next((base for base in _hosts(run, position, storage) if live[base][1] == layer.index + 1), target)
            if host != target:
                storage = {name: host if base == target else base for name, base in storage.items()}
                first, last = live.pop(target)
                live[host] = min(first, live[host][0]), max(last, live[host][1])
    return storage


def _hosts(run: Tiled, position: int, storage: Storage) -> list[str]:
    """Memory of inputs that the output of a layer may take; of a group in tiles only what is a tile itself."""
    layer = run.group.layers[position]
    if run.cut and not 0 < position < len(run.group.layers) - 1:
        return []
    able = [set(layer.kernel.inplace(piece.site)) for piece in run.pieces(position)]
    return [storage[layer.node.inputs[at]] for at in sorted(set.intersection(*able))]


def spans(low: Lowered, runs: Sequence[Tiled], storage: Storage) -> dict[str, tuple[int, int]]:
    """First and last step of every stored tensor and of every tile."""
    end = len(low.layers) + 1
    uses: dict[str, list[int]] = {storage[tensor.name]: [0] for tensor in low.graph.all_inputs}
    uses |= {storage[state.input]: [0, end] for state in low.graph.states}
    for run in runs:
        layers = run.group.layers
        ends = [layers[0].index + 1, layers[-1].index + 1]
        for layer in layers:
            now = [layer.index + 1]
            for name in layer.node.inputs:
                uses.setdefault(storage[name], []).extend(ends if layer is layers[0] else now)
            uses.setdefault(storage[layer.node.output], []).extend(ends if layer is layers[-1] else now)
    for tensor in low.graph.all_outputs:
        uses[storage[tensor.name]].append(end)
    return {name: (min(steps), max(steps)) for name, steps in uses.items()}


def buffers(low: Lowered, runs: Sequence[Tiled], storage: Storage) -> list[Buffer]:
    """Everything that needs room in the arena."""
    tiles = {
        layer.node.output: size for run in runs for layer, size in zip(run.group.layers[:-1], run.between, strict=True)
    }
    sizes: dict[str, int] = {}
    for name, base in storage.items():
        sizes[base] = max(sizes.get(base, 0), tiles.get(name, low.need.tensor(name).nbytes))
    found = [Buffer(base, sizes[base], *span) for base, span in spans(low, runs, storage).items()]
    for run in runs:
        for layer, size in zip(run.group.layers, run.scratch, strict=True):
            if size:
                found.append(Buffer(scratch_name(layer), size, layer.index + 1, layer.index + 1))
    return found
