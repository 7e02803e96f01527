"""Features of the trials of a data set: covariances once, then whatever a split's training trials decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quant.datasets.protocols import Split
from quant.datasets.recordings import Recordings
from quant.errors import Problem, UserError
from quant.features import riemann
from quant.features.samples import steps, unit_of
from quant.front_end import FrontEnd

Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fold:
    """One split, seen through the front end that its training trials fit.

    Attributes:
        front: what a device computes.
        x_train, x_test: features (N, bands, n), float64.
        y_train, y_test: labels (N,), int64.
    """

    front: FrontEnd
    x_train: Real
    x_test: Real
    y_train: NDArray[np.int64]
    y_test: NDArray[np.int64]

    @property
    def steps_train(self) -> NDArray[np.int16]:
        """``x_train`` as a model reads them, int16."""
        return self.front.quantize(self.x_train)

    @property
    def steps_test(self) -> NDArray[np.int16]:
        return self.front.quantize(self.x_test)


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials with their covariances, which no split changes.

    Attributes:
        recordings: the trials.
        windows: (N, C, T) int16, in steps of ``unit``.
        covariance: (N, bands, C, C) float64.
    """

    recordings: Recordings
    bank: str
    unit: float
    windows: NDArray[np.int16]
    covariance: Real

    @classmethod
    def of(cls, recordings: Recordings, bank: str = "43") -> Self:
        """Filter all trials.

        Raises:
            UserError: a sample is not finite, a channel is constant, windows are too short or the recording too slow;
                an unknown bank.
        """
        unit = unit_of(recordings.x)
        windows = steps(recordings.x, unit, recordings.channels)
        covariance = riemann.covariances(windows, recordings.fs, unit, bank)
        return cls(recordings, bank, unit, windows, covariance)

    def fold(self, split: Split, reference: str = "riemann") -> Fold:
        """Fit on the training trials of ``split``, and see all of its trials that way.

        Raises:
            UserError: a split without training or test trials, an unknown reference.
        """
        if not len(split.train) or not len(split.test):
            what = f"{len(split.train)} trials train, {len(split.test)} test"
            raise UserError(Problem(what, split.name, "at least one each"))
        samples = self.windows.shape[2]
        front, seen = riemann.fit(
            self.covariance[split.train], self.recordings.fs, samples, self.unit, self.bank, reference
        )
        test, y = front.of_covariances(self.covariance[split.test]), self.recordings.y
        return Fold(front, seen, test, y[split.train], y[split.test])
