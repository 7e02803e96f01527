"""Random projection to bits by a matrix that nobody stores: its rows follow from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from quant import splitmix
from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, Op, Type, exact_matmul, require, require_inputs

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

Distribution = Literal["sparse", "gaussian"]
DISTRIBUTIONS = ("sparse", "gaussian")
REACH = {"sparse": 1, "gaussian": 4}  # of an entry
CHUNK = 1 << 19  # entries of the matrix in memory at once: in the cache
BYTE_ORDER = (0, 2, 1, 3)  # of a half word, in Gaussian entries: two cores' instructions take bytes 0 and 2 together


@dataclass(frozen=True)
class Project(Op):
    """bit = [P x >= 0], s16 ``(n,)`` to bits ``(D,)``; each position of ``(n, B)`` has D rows of its own.

    Row r of position b is made of SplitMix64 words (:mod:`quant.splitmix`) number (b D + r) W to (b D + r + 1) W - 1,
    W words a row, each of them a lower and an upper half of 32 bits.

    * ``sparse``: one entry of +1 or -1 in every block of ``block`` neighbouring values (fewer in the last one); the
      rest is 0. A word has entries for E blocks: 8 where a block has up to 16 values, 4 up to 256, 2 beyond. E / 2
      blocks are drawn from a half f, from the first one on: f is a fraction of 2^32, f * block has the place in the
      block as its upper word and the next f as its lower one. Bit j of the half is the sign of its block number j: 1
      is -1. The upper bits of f decide about places, so that signs are independent of them.
      Published matrices draw each entry independently, with probability ``density``: rows then have about, here
      exactly 1 / block of their entries, and these are spread evenly.
    * ``sparse`` with blocks of one value: every entry is a sign, 64 of a word. Of a half, bit j belongs to value 2 j,
      bit 16 + j to value 2 j + 1.
    * ``gaussian``: an entry is the number of ones in a byte, less 4: binomial with deviation sqrt(2). The sum of many
      is as good as normal. A half has the bytes 0, 2, 1, 3 of four neighbouring values.

    Attributes:
        dimension: D.
        seed: of the words, 0 <= seed < 2^64.
        distribution: ``sparse`` or ``gaussian``.
        block: values per entry, the inverse of the density; 1 for ``gaussian``.
    """

    kind = "project"
    roots = ("edgekit.Project",)

    dimension: int
    seed: int
    distribution: Distribution = "sparse"
    block: int = 1

    @classmethod
    def sparse(cls, dimension: int, seed: int, density: float, values: int) -> Project:
        """With blocks of about 1 / ``density`` of the ``values``, at most all of them.

        Raises:
            Unsupported: a density outside (0, 1].
        """
        require(0 < density <= 1, f"density is {density}", "0 < density <= 1")
        return cls(dimension, seed, "sparse", min(round(1 / density), values))

    def macs(self, *inputs: Tensor) -> int:
        """One per entry of a row."""
        return prod(self.infer(*inputs)[0]) * self.blocks(inputs[0].shape[0])

    def infer(self, *inputs: Tensor) -> Type:
        require_inputs(inputs, 1, ranks=(1, 2), dtypes=(DType.S16,))
        n, *positions = inputs[0].shape
        require(self.dimension >= 1, f"dimension is {self.dimension}", "1 or more")
        known = self.distribution in DISTRIBUTIONS
        require(known, f"distribution '{self.distribution}' does not exist", ", ".join(DISTRIBUTIONS))
        most = n if self.distribution == "sparse" else 1
        require(1 <= self.block <= most, f"a block has {self.block} values", f"1..{most}")
        return (self.dimension, *positions), DType.B1, 0

    def faults(self, *inputs: Tensor) -> Iterator[Unsupported]:
        if not 0 <= self.seed < splitmix.SEEDS:
            yield Unsupported(f"seed is {self.seed}", "0 <= seed < 2^64")
        n = inputs[0].shape[0]
        if n >= 1 << 16 or self.blocks(n) * REACH[self.distribution] << 15 >= 1 << 31:
            most = ((1 << 16) - 1) // REACH[self.distribution]
            yield Unsupported(f"a sum over {n} values could leave int32", f"up to {most} values of a position")

    def blocks(self, values: int) -> int:
        """Entries of a row."""
        return -(-values // self.block)

    @property
    def per_word(self) -> int:
        """Entries that one random word gives."""
        if self.distribution == "gaussian":
            return 8
        return 64 if self.block == 1 else 8 if self.block <= 16 else 4 if self.block <= 256 else 2

    def row_words(self, values: int) -> int:
        """W."""
        return -(-self.blocks(values) // self.per_word)

    def rows(self, values: int, first: int, count: int) -> NDArray[np.int8]:
        """``count`` rows of the matrix from ``first`` on, (count, values); row b D + r is row r of position b."""
        width = self.row_words(values)
        words = splitmix.words(self.seed, first * width, count * width)
        halves = words.view(np.uint32).reshape(count, 2 * width)
        if self.distribution == "gaussian":
            octets = halves.view(np.uint8).reshape(count, -1, 4)[:, :, BYTE_ORDER]
            return (np.bitwise_count(octets).astype(np.int8) - 4).reshape(count, -1)[:, :values]
        if self.block == 1:
            octets = np.ascontiguousarray(halves).view(np.uint8)
            bits = np.unpackbits(octets, axis=1, bitorder="little").reshape(count, -1, 2, 16)
            return (1 - 2 * bits.swapaxes(2, 3).reshape(count, -1)[:, :values].astype(np.int8)).astype(np.int8)
        return self._spread(halves, values)

    def _spread(self, halves: NDArray[np.uint32], values: int) -> NDArray[np.int8]:
        """One entry per block, E / 2 blocks per half."""
        of_half = self.per_word // 2
        matrix = np.zeros((len(halves), values), np.int8)
        for j in range(of_half):
            f = halves[:, : -(-(self.blocks(values) - j) // of_half)].astype(np.uint64)
            start = self.block * (of_half * np.arange(f.shape[1]) + j)
            sign = 1 - 2 * ((f >> np.uint64(j)) & np.uint64(1)).astype(np.int8)
            for _ in range(j):
                f = (f * np.uint64(self.block)) & np.uint64(0xFFFFFFFF)
            width = np.minimum(self.block, values - start).astype(np.uint64)
            place = start + ((f * width) >> np.uint64(32)).astype(np.int64)
            np.put_along_axis(matrix, place, sign, axis=1)
        return matrix

    def evaluate(self, values: Sequence[IntArray], tensors: Sequence[Tensor]) -> IntArray:
        x = values[0]
        positions = np.moveaxis(x.reshape(*x.shape[:2], -1), 2, 0)
        bits = np.stack([self.bits(one, b) for b, one in enumerate(positions)], axis=2)
        return bits.reshape(len(x), self.dimension, *x.shape[2:]).astype(np.int64)

    def bits(self, x: IntArray, position: int = 0) -> NDArray[np.bool_]:
        """Bits (N, D) of the values (N, n) of one position, integers of int16."""
        found = np.empty((len(x), self.dimension), bool)
        chunk = max(1, CHUNK // x.shape[1])
        for first in range(0, self.dimension, chunk):
            count = min(chunk, self.dimension - first)
            rows = self.rows(x.shape[1], position * self.dimension + first, count)
            found[:, first : first + count] = exact_matmul(x, rows.T.astype(np.int64)) >= 0
        return found

    def write(self, writer: Writer, inputs: Sequence[Tensor], output: Tensor) -> None:
        """Seed and shape only; :func:`quant.interchange.expand.expanded` writes the matrix for ONNX Runtime."""
        signed = self.seed - splitmix.SEEDS if self.seed >> 63 else self.seed  # attributes are int64
        writer.node(
            self.roots[0],
            [inputs[0].name],
            output.name,
            dimension=self.dimension,
            seed=signed,
            distribution=self.distribution,
            block=self.block,
        )

    @classmethod
    def read(cls, root: NodeView) -> Match:
        root.only("dimension", "seed", "distribution", "block")
        require(len(root.inputs) == 1, f"it has {len(root.inputs)} inputs", "x")
        seed = root.integer("seed", 0) % splitmix.SEEDS
        op = cls(
            root.integer("dimension", 0),
            seed,
            cast(Distribution, root.text("distribution", "sparse")),
            root.integer("block", 1),
        )
        return root.match(root.inputs, [root]).of(op)
