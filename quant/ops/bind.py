"""XOR of bits: binding of two hypervectors, or of one with a key that is constant or comes from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quant import bits, splitmix
from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, require, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


@dataclass(frozen=True, eq=False)
class Bind(Op):
    """y = x XOR key, bit by bit.

    Attributes:
        key: constant bits of the input's shape.
        seed: instead of them, of the key's random bits (:mod:`quant.splitmix`), which begin with a 64-bit word of their
            own at every position: a device makes them instead of storing them. Without both the key is a second input.
        first, channels: where the input is a piece of memory, the word of the key that it begins with, and the bits of
            a position of the whole.
    """

    kind = "bind"
    roots = ("Xor", "edgekit.BindSeed")

    key: NDArray[np.bool_] | None = None
    seed: int | None = None
    first: int = 0
    channels: int | None = None

    @property
    def weights(self) -> int:
        return 0 if self.key is None else self.key.size

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 2 if self.key is None and self.seed is None else 1, dtypes=(DType.B1,))
        x = inputs[0].shape
        other = x if self.seed is not None else inputs[1].shape if self.key is None else self.key.shape
        require(x == other, f"it binds shapes {x} and {other}", "equal shapes, no broadcasting")
        return x, DType.B1, 0

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        if self.key is not None and self.seed is not None:
            yield Unsupported("it has a key and a seed", "one of them")
        if self.key is not None and not np.isin(self.key, (0, 1)).all():
            yield Unsupported("the key holds other values than bits", "0 and 1")
        if self.seed is not None and not 0 <= self.seed < splitmix.SEEDS:
            yield Unsupported(f"its seed is {self.seed}", "0 to 2^64 - 1")

    def drawn(self, seed: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The key of a seed for an input of ``shape``, or for a piece of memory."""
        length = self.channels or shape[0]
        row = bits.nbytes(length) // 4
        count = shape[0] // bits.WORD if self.channels else row * int(np.prod(shape[1:]))
        position, word = np.divmod(np.arange(self.first, self.first + count), row)
        index = position * -(-row // 2) + word // 2
        values = splitmix.words(seed, int(index[0]), int(index[-1] - index[0]) + 1)[index - index[0]]
        halves = (values >> (word % 2 * bits.WORD).astype(np.uint64)).astype(np.uint32)
        halves[word == row - 1] &= np.uint32((1 << (length - 1) % bits.WORD + 1) - 1)
        if self.channels:
            return bits.unpack(halves, shape[0])
        return np.moveaxis(bits.unpack(halves.reshape(*shape[1:], row), length), -1, 0)

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        if self.seed is not None:
            return values[0] ^ self.drawn(self.seed, tensors[0].shape)
        return values[0] ^ (values[1] if self.key is None else self.key.astype(np.int64))

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        names = [x.name for x in inputs]
        if self.seed is not None:
            seed = self.seed - splitmix.SEEDS if self.seed >= splitmix.SEEDS // 2 else self.seed  # ONNX: signed
            writer.node(self.roots[1], names, output.name, seed=seed)
            return
        if self.key is not None:
            names.append(writer.constant(f"{output.name}.key", self.key.astype(bool)))
        writer.node("Xor", names, output.name)

    @classmethod
    def read(cls, root: NodeView) -> Match:
        if root.op_type == cls.roots[1]:
            root.only("seed")
            return root.match(root.inputs, [root]).of(cls(seed=root.integer("seed", 0) % splitmix.SEEDS))
        root.only()
        require(len(root.inputs) == 2, f"it has {len(root.inputs)} inputs", "2")
        constants = [root.model.is_constant(name) for name in root.inputs]
        require(not all(constants), "both inputs are constants", "a tensor and a key, or two tensors")
        if not any(constants):
            return root.match(root.inputs, [root]).of(cls())
        name = root.inputs[constants[0]]
        return root.match([name], [root]).of(cls(root.constant_operand(name, "key", np.bool_).astype(bool)))
