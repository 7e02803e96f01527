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
        x_train, x_test: float32 (N, *shape), as recorded; EEG is (N, 1, electrodes, T) in microvolts.
        y_train, y_test: int64 (N,), 0..len(classes)-1.
        offset, span: float32, broadcastable to a sample: network input = (recorded - offset) / span.
        subject_test: int64 (N,), who each test example is from; None where all are from one.
        channels: names of the electrodes, where there are any.
        fs: samples per second, where it is known.
        divisor: by which the recording was down-sampled; networks shorten their filters by it.
        note: what this is, where it is not a plain recording.
        split: how training and test part were told apart, where there are several ways.
    """

    name: str
    classes: tuple[str, ...]
    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    offset: NDArray[np.float32] | np.float32
    span: NDArray[np.float32] | np.float32
    subject_test: NDArray[np.int64] | None = None
    channels: tuple[str, ...] = ()
    fs: float | None = None
    divisor: int = 1
    note: str = ""
    split: str = ""

    @property
    def gain(self) -> NDArray[np.float64]:
        """1 / span in float64, as the model carries it."""
        return 1.0 / np.asarray(self.span, np.float64)

    def scale(self, x: ArrayLike) -> NDArray[np.float32]:
        """Recorded values to network input: (x - offset) / span in float32."""
        return (np.asarray(x, np.float32) - np.float32(self.offset)) / np.float32(self.span)


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
