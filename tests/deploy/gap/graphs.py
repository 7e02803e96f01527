"""Generated graphs for clusters: at least four layers, odd sizes, tight scratchpads."""

from __future__ import annotations

import numpy as np

from deploy.boards import Board
from deploy.gap.plan import ClusterPlan, make_cluster_plan
from quant.dtypes import DType
from quant.errors import UserError
from quant.graph import Graph, GraphBuilder, Tensor
from quant.ops import (
    Add,
    ArgMax,
    AveragePool,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Op,
    Pad,
    Requantize,
    Reshape,
    Slice,
    Table,
    Transpose,
)
from quant.requant import Requant
from tests.deploy.gap.boards import with_l1
from tests.deploy.graphs import requant

GRAPHS = 48


class _Generator:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.rank = 1 + seed % 2
        self.builder = GraphBuilder(f"generated-{seed}")
        self.count = 0

    def pick(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def add(self, op: Op, *inputs: Tensor, scale: float = 0.1) -> Tensor:
        self.count += 1
        name = self.builder.add(f"n{self.count}", op, *(x.name for x in inputs), scale=scale)
        return Tensor(name, *op.infer(*inputs), scale)

    def ints(self, *shape: int) -> np.ndarray:
        return self.random.integers(-127, 128, shape)

    def conv(self, x: Tensor, kind: str) -> Tensor:
        channels = x.shape[0]
        groups = {"conv": 1, "depthwise": channels, "grouped": channels // 2 if channels % 2 == 0 else channels}[kind]
        out = {"conv": self.pick(1, 21), "depthwise": channels * self.pick(1, 2), "grouped": groups * self.pick(1, 3)}[
            kind
        ]
        kernel = tuple(self.pick(1, 5) for _ in range(self.rank))
        dilations = tuple(self.pick(1, 4) for _ in range(self.rank))
        strides = tuple(self.pick(1, 2) for _ in range(self.rank))
        reach = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
        before = [self.pick(r // 2, r) for r in reach]
        after = [r - b + self.pick(0, 1) for r, b in zip(reach, before, strict=True)]
        full = bool(self.random.random() < 0.3)  # the long form of requantization
        factor = Requant.from_real(70.0, zero_point=-3, lo=-128, hi=127) if full else None
        zero = int(self.random.integers(-128, 128))
        op = Conv(
            self.ints(out, channels // groups, *kernel) // (40 if full else 1),
            self.random.integers(-2000, 2000, out),
            factor or requant(self.random, out, zero),
            strides,
            dilations,
            (*before, *after),
            groups,
        )
        return self.add(op, x)

    def pool(self, x: Tensor, largest: bool) -> Tensor:
        kernel = tuple(min(self.pick(1, 3), n) for n in x.shape[1:])
        strides = tuple(self.pick(1, 2) for _ in range(self.rank))
        pads = tuple(min(self.pick(0, 1), k - 1) for k in kernel) * 2
        if largest:
            return self.add(MaxPool(kernel, strides, pads), x)
        return self.add(AveragePool.from_scales(kernel, strides, pads, 1.1, zero_point=self.pick(-20, 20)), x)

    def elementwise(self, x: Tensor, kind: str) -> Tensor:
        if kind == "table":
            return self.add(Table(self.random.permutation(np.arange(-128, 128)), self.pick(-9, 9)), x)
        if kind == "requantize":
            wide = Requant.from_real(60.3, zero_point=0, lo=-32768, hi=32767, dtype=DType.S16)
            y = self.add(Requantize(wide), x)
            return self.add(Requantize(Requant.from_real(0.015, zero_point=self.pick(-5, 5), lo=-128, hi=127)), y)
        other = self.add(Table(self.random.permutation(np.arange(-128, 128)), 3), x)
        return self.add(Add.from_scales((0.1, x.zero_point), (0.1, 3), (0.17, -5)), x, other)

    def move(self, x: Tensor, kind: str) -> Tensor:
        if kind == "pad":
            return self.add(Pad((self.pick(0, 1), *(self.pick(0, 2) for _ in range(2 * self.rank)), 1)), x)
        if kind == "slice" and max(x.shape) > 3:
            return self.add(Slice(tuple((0, n, 1 + (n > 6)) for n in x.shape)), x)
        return self.add(Concat(self.pick(0, self.rank)), x, x)

    def graph(self) -> Graph:
        size = self.pick(60, 250) if self.rank == 1 else (self.pick(9, 29), self.pick(9, 29))
        shape = (self.pick(1, 9), *(size if isinstance(size, tuple) else (size,)))
        zero = self.pick(-128, 20)
        x = Tensor(self.builder.input("x", shape, zero_point=zero, scale=0.1), shape, DType.S8, zero, 0.1)
        kinds = [
            "conv",
            "depthwise",
            "grouped",
            "average",
            "max",
            "table",
            "requantize",
            "add",
            "pad",
            "slice",
            "concat",
        ]
        for kind in self.random.permutation(kinds)[: self.pick(4, 6)]:
            if kind in ("conv", "depthwise", "grouped"):
                x = self.conv(x, kind)
            elif kind in ("average", "max"):
                x = self.pool(x, kind == "max")
            elif kind in ("table", "requantize", "add"):
                x = self.elementwise(x, kind)
            elif x.elements < 3000:
                x = self.move(x, kind)
        x = self.conv(x, "conv")
        if self.count % 4 == 0 and x.elements < 3000:
            x = self.add(Transpose(tuple(range(len(x.shape)))[::-1]), x)
        if x.elements < 4000 and self.random.random() < 0.3:
            x = self.add(Reshape((-1,)), x)
            out = self.pick(9, 30)
            x = self.add(Dense(self.ints(out, x.elements), self.ints(out) * 9, requant(self.random, out, 2)), x)
            if self.random.random() < 0.5:
                x = self.add(ArgMax(0), x)
        self.builder.output(x.name)
        return self.builder.build()


def generated(seed: int) -> Graph:
    """A random graph, the same for the same seed."""
    return _Generator(seed).graph()


def tight(graph: Graph, name: str = "gap8") -> tuple[Board, ClusterPlan]:
    """The board with about as little L1 as the graph can do with, and the plan for it."""
    budget, found = 32_000, None
    while found is None or budget > 64:
        board = with_l1(budget, name)
        try:
            found = board, make_cluster_plan(graph, board)
        except UserError:
            break
        budget = budget * 3 // 4
    assert found is not None
    return found
