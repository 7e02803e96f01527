"""The front end as a device computes it: the same features by a way that float32 harms less.

Electrodes next to each other record nearly the same. Filtered one by one, their common part costs the digits that
whitening then needs; so each channel but one is filtered as its difference to a parent: whole numbers, nothing is lost.
With z = T x, T of ones, minus ones and determinant 1, the whitened covariance is W C W = H^T (T C T^T) H for
H = T^-T W.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quant.front_end import FrontEnd

ROOT = -1
Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DeviceFrontEnd:
    """Tables of ``firmware/features/riemann.h``.

    Attributes:
        parents: (n,) int: the channel that is subtracted, ROOT for the one that stays as it is.
        sections: (bands, 4) float32: 1 + a1 + a2 and a2 of both sections.
        gains: (bands,) float32: what sums of products are multiplied by.
        ridge: float32, rho / channels.
        whitening: (bands, n, n) float32: H.
        steps: float32, steps of the int16 features per unit.
    """

    parents: tuple[int, ...]
    sections: NDArray[np.float32]
    gains: NDArray[np.float32]
    ridge: np.float32
    whitening: NDArray[np.float32]
    steps: np.float32

    @property
    def differences(self) -> Real:
        """T: (n, n)."""
        t = np.eye(len(self.parents))
        for channel, parent in enumerate(self.parents):
            if parent != ROOT:
                t[channel, parent] = -1
        return t


def device_front_end(front: FrontEnd) -> DeviceFrontEnd:
    """Rounded once, from float64."""
    w = front.whitening.astype(np.float64)
    made = DeviceFrontEnd(
        _parents(w),
        _sections(front).astype(np.float32),
        np.asarray((front.gains * front.unit) ** 2 / (front.samples - 1), np.float32),
        np.float32(front.rho / front.channels),
        np.empty(0, np.float32),
        np.float32(1.0 / front.scale),
    )
    h = np.linalg.inv(made.differences).T @ w
    return DeviceFrontEnd(made.parents, made.sections, made.gains, made.ridge, h.astype(np.float32), made.steps)


def _sections(front: FrontEnd) -> Real:
    a = front.denominators.reshape(-1, 2, 2)
    return np.stack([1 + a.sum(2), a[:, :, 1]], axis=2).reshape(-1, 4)


def _parents(whitening: Real) -> tuple[int, ...]:
    """The tree of all channels whose differences have the least variance together (Prim), over the mean of the bands'
    references, each with the same power; the channel with the least variance is the root."""
    inverse = np.linalg.inv(whitening)
    reference = inverse @ inverse
    c = (reference / np.trace(reference, axis1=1, axis2=2)[:, None, None]).mean(0)
    variance = np.diag(c)[:, None] + np.diag(c) - 2 * c
    root = int(np.argmin(np.diag(c)))
    parents = [ROOT] * len(c)
    inside, outside = [root], [i for i in range(len(c)) if i != root]
    while outside:
        between = variance[np.ix_(outside, inside)]
        at, to = np.unravel_index(int(np.argmin(between)), between.shape)
        channel = outside.pop(int(at))
        parents[channel] = inside[int(to)]
        inside.append(channel)
    return tuple(parents)
