"""A network of the size of MobileNetV2: 2.5 MB of weights, most of which have to come from outside the chip."""

from __future__ import annotations

import numpy as np

from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder, Tensor
from quant.ops import Add, AveragePool, Conv, Dense, Reshape
from quant.ops.base import Op
from quant.requant import Requant

# expansion, output channels, repeats, stride of the first: Sandler et al. 2018, table 2
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
CLASSES = 200


class _Builder:
    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.builder = GraphBuilder("mobilenet-v2-sized")
        self.layers = 0

    def add(self, op: Op, *inputs: Tensor) -> Tensor:
        self.layers += 1
        name = self.builder.add(f"layer{self.layers}", op, *(x.name for x in inputs), scale=0.05)
        return Tensor(name, *op.infer(*inputs), 0.05)

    def requant(self, channels: int, inputs: int, zero_point: int = -128) -> Requant:
        real = self.random.uniform(0.7, 1.0, channels) / (25 * np.sqrt(inputs))
        return Requant.from_real(real, zero_point=zero_point, lo=-128, hi=127)

    def conv(self, x: Tensor, out: int, kernel: int, stride: int = 1, groups: int = 1, linear: bool = False) -> Tensor:
        weight = self.random.integers(-127, 128, (out, x.shape[0] // groups, kernel, kernel))
        requant = self.requant(out, weight[0].size, 0 if linear else -128)
        pad = kernel // 2
        op = Conv(weight, self.random.integers(-500, 500, out), requant, (stride,) * 2, (1, 1), (pad,) * 4, groups)
        return self.add(op, x)

    def block(self, x: Tensor, expansion: int, out: int, stride: int) -> Tensor:
        """Inverted residual."""
        y = self.conv(x, expansion * x.shape[0], 1) if expansion > 1 else x
        y = self.conv(y, y.shape[0], 3, stride, y.shape[0])
        y = self.conv(y, out, 1, linear=True)
        if stride > 1 or x.shape != y.shape:
            return y
        return self.add(Add.from_scales((0.05, x.zero_point), (0.05, 0), (0.07, 0)), x, y)

    def graph(self, size: int) -> Graph:
        x = Tensor(
            self.builder.input("image", (3, size, size), zero_point=0, scale=0.05), (3, size, size), DType.S8, 0, 0.05
        )
        x = self.conv(x, 32, 3, 2)
        for expansion, out, repeats, stride in BLOCKS:
            for repeat in range(repeats):
                x = self.block(x, expansion, out, stride if repeat == 0 else 1)
        x = self.conv(x, 1280, 1)
        x = self.add(AveragePool.from_scales(x.shape[1:], (1, 1), (0,) * 4, 1.0, zero_point=-128), x)
        x = self.add(Reshape((-1,)), x)
        weight = self.random.integers(-127, 128, (CLASSES, x.elements))
        self.builder.output(
            self.add(Dense(weight, np.zeros(CLASSES, np.int64), self.requant(CLASSES, x.elements)), x).name
        )
        return self.builder.build()


def mobilenet(size: int = 96) -> Graph:
    """For images (3, size, size), random weights."""
    return _Builder().graph(size)
