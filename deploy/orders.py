"""Which storage order every tensor has: the one in which its producer and its readers have the cheapest kernels.

Tensors are channels-last unless some other order pays. A kernel may ask for an order on both of its sides, so that two
neighbouring tensors are tried together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import inf

from deploy.kernels.base import Kernel, Order, Site
from deploy.kernels.movement import copies_nothing
from deploy.layout import Layout, channels_last
from quant.graph import Graph, Node

Layouts = Mapping[str, Layout]
SiteOf = Callable[[Node, Layouts], Site]


class Orders:
    """The search.

    Args:
        kernels: those that the board can run.
        site_of: a node with its tensors in given layouts.
    """

    def __init__(self, graph: Graph, kernels: Sequence[Kernel], site_of: SiteOf) -> None:
        self.graph, self.kernels, self.site_of = graph, kernels, site_of
        every = dict.fromkeys(order for kernel in kernels for order in (*kernel.reads, *kernel.writes))
        self.others = [order for order in every if order is not channels_last]
        self.borders = {tensor.name for tensor in (*graph.all_inputs, *graph.all_outputs)}
        # What is written over what a state was read as has the same order.
        self.borders |= {name for state in graph.states for name in state.outputs}
        self.producers = {node.output: node for node in graph.nodes}

    def cheapest(self, layouts: Layouts) -> dict[str, Layout]:
        """``layouts`` with other orders where they take fewer cycles."""
        best = dict(layouts)
        for node in self.graph.nodes if self.others else ():
            names = [node.output, *(after.output for after in self.graph.consumers(node.output)[:1])]
            for trial in self._trials(best, [name for name in names if name not in self.borders]):
                changed = {name for name in trial if trial[name] != best[name]}
                touched = [n for n in self.graph.nodes if changed & {n.output, *n.inputs}]
                if self._cycles(touched, trial) < self._cycles(touched, best):
                    best = trial
        return best

    def _trials(self, layouts: Layouts, names: Sequence[str]) -> Iterator[dict[str, Layout]]:
        """Other orders of one or two tensors."""
        offers = [(None, *self._offers(name, layouts)) for name in names]
        for orders in product(*offers):
            chosen = [(name, order) for name, order in zip(names, orders, strict=True) if order is not None]
            if chosen:
                yield {**layouts, **{name: order(layouts[name].view) for name, order in chosen}}

    def _offers(self, name: str, layouts: Layouts) -> list[Order]:
        """Orders that the producer can write and all readers can read."""
        producer, shape = self.producers[name], self.site_of(self.producers[name], layouts).output.shape
        if layouts[name].view != shape:
            return []
        return [
            order
            for order in self.others
            if self._takes(producer, layouts, lambda kernel: kernel.writes, order)
            and all(self._takes(n, layouts, lambda kernel: kernel.reads, order) for n in self.graph.consumers(name))
        ]

    def _takes(self, node: Node, layouts: Layouts, side: Callable[[Kernel], tuple[Order, ...]], order: Order) -> bool:
        site = self.site_of(node, layouts)
        able = (k for k in self.kernels if k.op is type(node.op) and (k.any_layout or order in side(k)))
        return any(kernel.unsupported(site) is None for kernel in able)

    def _cycles(self, nodes: Sequence[Node], layouts: Layouts) -> float:
        return sum(self._of_node(node, layouts) for node in nodes)

    def _of_node(self, node: Node, layouts: Layouts) -> float:
        """Estimated cycles of the cheapest kernel that takes the node."""
        site = self.site_of(node, layouts)
        if copies_nothing(site):
            return 0.0
        able = (k for k in self.kernels if k.op is type(node.op) and k.refusal(site) is None)
        return min((kernel.cycles(site) for kernel in able), default=inf)
