"""Storage order of a tensor in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType, from_bytes, to_bytes
from quant.graph import Graph, Node
from quant.ops import Reshape


@dataclass(frozen=True)
class Layout:
    """Storage order: the logical elements (row-major, channel first), seen as ``view`` and transposed by ``perm``.

    A reshape that copies nothing keeps the layout, because ``view`` speaks of the flat logical order only.
    """

    view: tuple[int, ...]
    perm: tuple[int, ...]

    @property
    def plain(self) -> bool:
        """Whether storage order is the logical order."""
        moving = [axis for axis in self.perm if self.view[axis] > 1]
        return moving == sorted(moving)

    @property
    def order(self) -> NDArray[np.int64]:
        """Flat logical index of each stored element."""
        return np.arange(prod(self.view)).reshape(self.view).transpose(self.perm).ravel()

    def store(self, values: NDArray) -> NDArray:
        """Flat stored elements of ``values`` (any shape with the right number of elements)."""
        return values.reshape(-1)[self.order]

    def load(self, stored: NDArray, shape: tuple[int, ...]) -> NDArray:
        """Inverse of :meth:`store`, in logical ``shape``."""
        logical = np.empty_like(stored.reshape(-1))
        logical[self.order] = stored.reshape(-1)
        return logical.reshape(shape)

    def image(self, values: NDArray, dtype: DType) -> bytes:
        """The memory image of a tensor. Bits (``b1``) have one storage: channels-last, packed."""
        return to_bytes(values if dtype is DType.B1 else self.store(values), dtype)

    def tensor(self, image: bytes, dtype: DType, shape: tuple[int, ...]) -> NDArray:
        """Inverse of :meth:`image`, in logical ``shape``."""
        if dtype is DType.B1:
            return from_bytes(image, dtype, shape)
        return self.load(from_bytes(image, dtype, (prod(shape),)), shape)

    @cached_property
    def loops(self) -> tuple[tuple[int, int], ...]:
        """(size, step in logical order) of as few nested loops as visit the stored elements, outermost first."""
        steps = [prod(self.view[axis + 1 :]) for axis in range(len(self.view))]
        loops: list[tuple[int, int]] = []
        for axis in self.perm:
            size, step = self.view[axis], steps[axis]
            if size == 1:
                continue
            if loops and loops[-1][1] == size * step:
                size *= loops.pop()[0]
            loops.append((size, step))
        return tuple(loops)

    def same_order(self, other: Layout) -> bool:
        """Whether both store the same tensor in the same order."""
        return self.loops == other.loops

    def resized(self, shape: tuple[int, ...]) -> Layout:
        """The same order of axes for a tensor of another size and as many axes."""
        return Layout(shape, self.perm)


def channels_last(shape: tuple[int, ...]) -> Layout:
    """(C, L) stored as L x C, (C, H, W) as H x W x C; a flat tensor as it is."""
    return Layout(shape, (*range(1, len(shape)), 0) if len(shape) > 1 else (0,))


def planar(shape: tuple[int, ...]) -> Layout:
    """Logical order."""
    return Layout(shape, tuple(range(len(shape))))


def column_by_column(shape: tuple[int, ...]) -> Layout:
    """(C, H, W) stored as W x C x H: of every column, channel by channel, its rows; (C, L) as channels-last."""
    return Layout(shape, (len(shape) - 1, *range(len(shape) - 1)))


def with_logical_boundaries(graph: Graph) -> Graph:
    """The graph with copies at its borders where callers' logical order and channels-last storage differ.

    A caller of the firmware sees rows of channels as in the model; inside, tensors are channels-last. The copies are
    identity reshapes named ``<tensor>.layout``. Bits are channels-last for callers, too.
    """
    inputs, outputs = (
        {t.name for t in tensors if t.dtype is not DType.B1 and not channels_last(t.shape).plain}
        for tensors in (graph.all_inputs, graph.all_outputs)
    )
    tensors = dict(graph.tensors)

    def inner(name: str) -> str:
        tensors[f"{name}.stored"] = replace(graph.tensors[name], name=f"{name}.stored")
        return f"{name}.stored"

    moved = {name: inner(name) for name in (*inputs, *outputs)}
    nodes = [
        replace(node, inputs=tuple(moved.get(n, n) for n in node.inputs), output=moved.get(node.output, node.output))
        for node in graph.nodes
    ]
    before = [Node(f"{n}.layout", Reshape(tensors[n].shape), (n,), moved[n]) for n in sorted(inputs)]
    after = [Node(f"{n}.layout", Reshape(tensors[n].shape), (moved[n],), n) for n in sorted(outputs)]
    states = [
        replace(state, output=moved.get(state.output, state.output), also=tuple(moved.get(n, n) for n in state.also))
        for state in graph.states
    ]
    entries = [replace(entry, updates=tuple(moved.get(n, n) for n in entry.updates)) for entry in graph.entries]
    nodes = [*before, *nodes, *after]
    return replace(graph, tensors=tensors, nodes=tuple(nodes), states=tuple(states), entries=tuple(entries))
