"""One operator application as a test case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.layout import Layout, channels_last
from quant.dtypes import DType
from quant.graph import Tensor
from quant.ops import Op


@dataclass(frozen=True, eq=False)
class Case:
    """One operator application: what goes in, and in which storage order."""

    name: str
    op: Op
    tensors: tuple[Tensor, ...]
    values: tuple[NDArray[np.int64], ...]
    layouts: tuple[Layout, ...] | None = None

    @property
    def stored(self) -> tuple[Layout, ...]:
        return self.layouts or tuple(channels_last(t.shape) for t in self.tensors)


def tensor(shape: Sequence[int], zero_point: int = 3, dtype: DType = DType.S8, name: str = "x") -> Tensor:
    return Tensor(name, tuple(shape), dtype, zero_point)


def draw(rng: np.random.Generator, x: Tensor, spread: str = "all") -> NDArray[np.int64]:
    """Values of a tensor: the whole range, or nothing but its two ends."""
    if spread == "ends":
        return rng.choice([x.dtype.low, x.dtype.high], x.shape)
    return rng.integers(x.dtype.low, x.dtype.high, x.shape, endpoint=True)
