"""What a data set is to the rest of EdgeKit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quant.errors import Problem, UserError


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled data set, split into training and test part.

    Attributes:
        classes: class names; label i means classes[i].
        x_train, x_test: float32 (N, *shape), as recorded.
        y_train, y_test: int64 (N,), 0..len(classes)-1.
        low, high: what 0 and 1 of the network's input stand for (range of the training part).
    """

    name: str
    classes: tuple[str, ...]
    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    low: float
    high: float

    def scale(self, x: ArrayLike) -> NDArray[np.float32]:
        """Recorded values to network input: (x - low) / (high - low) in float32."""
        low, high = np.float32(self.low), np.float32(self.high)
        return (np.asarray(x, np.float32) - low) / (high - low)


def check(x: NDArray, y: NDArray, rows: int, shape: Sequence[int], classes: int, where: str) -> None:
    """Raise UserError, naming ``where``, unless there are ``rows`` finite examples of ``shape`` with valid labels."""
    problems = []
    if x.shape != (rows, *shape):
        problems.append(Problem(f"shape {x.shape} instead of {(rows, *shape)}", where))
    if not np.isfinite(x).all():
        problems.append(Problem(f"{np.count_nonzero(~np.isfinite(x))} values are NaN or infinite", where))
    if y.shape != (rows,) or not np.isin(y, np.arange(classes)).all():
        problems.append(Problem(f"labels are not {rows} whole numbers from 0 to {classes - 1}", where))
    if problems:
        raise UserError(problems)
