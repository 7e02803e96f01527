"""Integer graph -> layers: a storage order for every tensor and a kernel for every node, before any address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from deploy.boards import Board
from deploy.box import Box
from deploy.kernels import KERNELS
from deploy.kernels.base import Call, Kernel, Site
from deploy.kernels.movement import copies_nothing
from deploy.layout import Layout, channels_last, planar, with_logical_boundaries
from deploy.needed import Needed, needed
from deploy.orders import Orders
from deploy.views import through, views
from quant.dtypes import DType
from quant.errors import Problem, UserError
from quant.graph import Entry, Graph, Node
from quant.ops import Reshape


@dataclass(frozen=True)
class Layer:
    """One function of the firmware: a node, the kernel chosen for it and the calls it makes.

    Attributes:
        why: the reason for the kernel, in words.
    """

    index: int
    node: Node
    site: Site
    kernel: Kernel
    why: str
    calls: tuple[Call, ...]

    @property
    def scratch_bytes(self) -> int:
        return max((call.scratch for call in self.calls), default=0)

    @property
    def executed_macs(self) -> int:
        return self.kernel.executed_macs(self.site)

    @property
    def constant_bytes(self) -> int:
        """Bytes of its constant arrays."""
        return sum(array.nbytes for call in self.calls for array in call.arrays)


@dataclass(frozen=True)
class Lowered:
    """The layers of a model on a board.

    Attributes:
        graph: with the copies at its borders that layouts ask for; tensors are whole.
        need: what of every tensor is computed and stored.
        storage: tensor -> tensor whose memory it shares (itself unless it is a reshape or a slice that copies nothing).
    """

    graph: Graph
    board: Board
    layers: tuple[Layer, ...]
    layouts: dict[str, Layout]
    storage: dict[str, str]
    need: Needed

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of packed weights."""
        return sum(a.nbytes for ly in self.layers for c in ly.calls for a in c.arrays if a.weight)

    @cached_property
    def constant_bytes(self) -> int:
        """Bytes of all constant arrays."""
        return sum(layer.constant_bytes for layer in self.layers)

    @property
    def executed_macs(self) -> int:
        return sum(layer.executed_macs for layer in self.layers)

    def layers_of(self, entry: Entry) -> list[Layer]:
        """What a call of the entry runs, in order."""
        names = {node.name for node in self.graph.nodes_of(entry)}
        return [layer for layer in self.layers if layer.node.name in names]


def lower(graph: Graph, board: Board, kernels: Sequence[Kernel] = KERNELS) -> Lowered:
    """Choose layouts and kernels.

    Raises:
        UserError: a node that no kernel takes.
    """
    graph = with_logical_boundaries(graph)
    need = needed(graph)
    kernels = [kernel for kernel in kernels if kernel.isa == "portable" or kernel.isa in board.isa]
    orders = Orders(graph, kernels, lambda node, layouts: _site(need, node, layouts))
    layouts, found = orders.cheapest(_layouts(need, kernels)), views(need)
    storage = {name: found[name][0] if name in found else name for name in graph.tensors}
    layers: list[Layer] = []
    for node in (node for node in graph.nodes if node.output not in found):
        inputs, takes = through(need, node, found)
        node = replace(node, inputs=inputs)
        site = _site(need, node, layouts, takes)
        if copies_nothing(site):
            storage[node.output] = storage[node.inputs[0]]
            continue
        kernel, why = _choose(site, board, kernels)
        layers.append(Layer(len(layers), node, site, kernel, why, tuple(kernel.calls(site))))
    return Lowered(graph, board, tuple(layers), layouts, storage, need)


def _site(need: Needed, node: Node, layouts: Mapping[str, Layout], takes: tuple[Box, ...] | None = None) -> Site:
    """``takes``: instead of what the part of the node says."""
    part = need.parts[node.name]
    inputs = tuple(need.tensor(name) for name in node.inputs)
    kinds = tuple(layouts[name] for name in node.inputs)
    return Site(
        node.name,
        part.op,
        inputs,
        need.tensor(node.output),
        kinds,
        layouts[node.output],
        part.takes if takes is None else takes,
    )


def _layouts(need: Needed, kernels: Sequence[Kernel]) -> dict[str, Layout]:
    """Channels-last everywhere, logical order at the borders, and reshapes that copy nothing where consumers agree."""
    flexible = {kernel.op for kernel in kernels} - {kernel.op for kernel in kernels if not kernel.any_layout}
    graph = need.graph
    borders = {t.name for t in (*graph.all_inputs, *graph.all_outputs) if t.dtype is not DType.B1}
    shapes = {name: need.tensor(name).shape for name in graph.tensors}
    layouts = {name: planar(shape) if name in borders else channels_last(shape) for name, shape in shapes.items()}
    for node in graph.nodes:
        consumers = graph.consumers(node.output)
        if (
            isinstance(node.op, Reshape)
            and node.output not in borders
            and prod(shapes[node.output]) == prod(shapes[node.inputs[0]])
            and all(type(c.op) in flexible for c in consumers)
        ):
            layouts[node.output] = layouts[node.inputs[0]]
    return layouts


def _choose(site: Site, board: Board, kernels: Sequence[Kernel]) -> tuple[Kernel, str]:
    """The cheapest kernel that takes the node, and why it is that one."""
    fitting = [kernel for kernel in kernels if kernel.op is type(site.op)]
    refusals = {kernel.name: kernel.refusal(site) for kernel in fitting}
    able = [kernel for kernel in fitting if refusals[kernel.name] is None]
    if not able:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
        what = f"no kernel for {board.name} takes it ({reasons or 'none exists'})"
        raise UserError(Problem(what, f"node '{site.name}' ({site.op.kind})"))
    best, *others = sorted(able, key=lambda kernel: kernel.cycles(site))
    dearer = [f"{kernel.name}: about {kernel.cycles(site):,.0f}" for kernel in others]
    refused = [f"{name}: {reason}" for name, reason in refusals.items() if reason is not None]
    rest = "; ".join(dearer or refused) or f"the only one for {site.op.kind}"
    return best, f"about {best.cycles(site):,.0f} cycles ({rest})"
