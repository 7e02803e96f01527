"""XOR of bits: binding of two hypervectors, or of one with a constant key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class Bind(Op):
    """y = x XOR key, bit by bit. ``key``: constant bits of the input's shape; None: a second input."""

    kind = "bind"
    roots = ("Xor",)

    key: NDArray[np.bool_] | None = None

    @property
    def weights(self) -> int:
        return 0 if self.key is None else self.key.size

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1 if self.key is not None else 2, dtypes=(DType.B1,))
        shapes = (inputs[0].shape, inputs[1].shape if self.key is None else self.key.shape)
        require(shapes[0] == shapes[1], f"it binds shapes {shapes[0]} and {shapes[1]}", "equal shapes, no broadcasting")
        return inputs[0].shape, DType.B1, 0

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        if self.key is not None and not np.isin(self.key, (0, 1)).all():
            yield Unsupported("the key holds other values than bits", "0 and 1")

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        return values[0] ^ (values[1] if self.key is None else self.key.astype(np.int64))

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        names = [x.name for x in inputs]
        if self.key is not None:
            names.append(writer.constant(f"{output.name}.key", self.key.astype(bool)))
        writer.node("Xor", names, output.name)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only()
        require(len(root.inputs) == 2, f"it has {len(root.inputs)} inputs", "2")
        constants = [root.model.is_constant(name) for name in root.inputs]
        require(not all(constants), "both inputs are constants", "a tensor and a key, or two tensors")
        if not any(constants):
            return root.match(root.inputs, [root]).of(cls())
        name = root.inputs[constants[0]]
        return root.match([name], [root]).of(cls(root.constant_operand(name, "key", np.bool_).astype(bool)))
