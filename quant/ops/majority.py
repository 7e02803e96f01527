"""What most of the samples had that counters have seen: counters -> bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quant import splitmix
from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True)
class Majority(Op):
    """bit = 1 where a counter is above its zero point, the tie bit of its channel where it is equal, 0 below.

    The tie bit of channel d is bit d of the random bits of ``seed`` (:mod:`quant.splitmix`): the same for every
    position, so that a device makes them instead of storing them.
    """

    kind = "majority"
    roots = ("edgekit.CounterMajority",)

    seed: int = 0

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, dtypes=(DType.S16, DType.S32))
        return inputs[0].shape, DType.B1, 0

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        if not 0 <= self.seed < splitmix.SEEDS:
            yield Unsupported(f"its seed is {self.seed}", "0 to 2^64 - 1")

    def _ties(self, x: Tensor) -> IntArray:
        """Tie bits, broadcastable to ``x``."""
        return splitmix.bits(self.seed, 0, x.shape[0]).reshape(-1, *(1,) * (len(x.shape) - 1)).astype(np.int64)

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        counters, zero = values[0], tensors[0].zero_point
        return np.where(counters == zero, self._ties(tensors[0]), counters > zero).astype(np.int64)

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        x = inputs[0]
        ties = writer.constant(f"{output.name}.ties", self._ties(x).astype(bool))
        seed = self.seed - splitmix.SEEDS if self.seed >= splitmix.SEEDS // 2 else self.seed  # ONNX: signed
        writer.node("edgekit.CounterMajority", [x.name, ties], output.name, zero_point=x.zero_point, seed=seed)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("zero_point", "seed")
        op = cls(root.integer("seed", 0) % splitmix.SEEDS)
        ties = root.constant(1, "ties", np.bool_).ravel()
        require(
            bool(np.array_equal(ties, splitmix.bits(op.seed, 0, len(ties)))),
            f"its ties are not the random bits of seed {op.seed}",
            "bits of quant.splitmix",
        )
        root.expect_zero_point(0, root.integer("zero_point", 0))
        return root.match(root.inputs[:1], [root]).of(op)
