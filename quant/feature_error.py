"""How far the float32 features of a device can be from float64 ones: a bound for every band of a window.

Each stage adds what its own roundings can do to what the stages before it have done; docs/features.md derives the
terms. Nothing is assumed of how roundings fall, so that what is measured is far below.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from quant.device_front_end import device_front_end
from quant.front_end import FrontEnd, differences

ROUNDING = 2.0**-24  # of one float32 operation, relative
HIGHER_ORDER = 1.01  # products of roundings, and maxima between the frequencies of GRID
GRID = 1 << 13
TIMES = 32  # EK_TIMES of firmware/features/riemann.h: terms that are summed before their sum is added to others
LOGARITHM = 5  # roundings of ek_log
# Times n + 8: roundings of Z^T diag(values) Z, relative to the norm of the matrix, and of Z Z^T - 1. No derivation
# gives such small ones; tests hold every decomposition against them.
RESIDUAL, ORTHOGONAL = 3, 6
PARTS = ("coefficients", "filter and sums", "whitening", "eigenvectors", "logarithm")

Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bounds:
    """Of one window; T C T^T are the covariances of the channels' differences that the device works with.

    Attributes:
        filtered: (bands, n), 2-norm of each filtered difference's error over its norm, coefficients aside.
        covariance: (bands, n, n), of each element of T C T^T.
        parts: (bands, PARTS), what each stage can add to the 2-norm of a band's features, to first order.
        features: (bands,), 2-norm of a band's features before they are rounded, and so a bound of each of them;
            infinite where the parts do not stay small.
    """

    filtered: Real
    covariance: Real
    parts: Real
    features: Real


def bounds(front: FrontEnd, x: NDArray[np.int16]) -> Bounds:
    """Bounds for one window (channels, samples)."""
    device = device_front_end(front)
    t = device.differences
    inner = front.section(0, differences((t @ x)[None]))
    outer = front.section(1, inner)
    filtered = _filter(front, inner[0], outer[0])
    y = outer[0] * (front.gains * front.unit / np.sqrt(front.samples - 1))[:, None, None]
    norms, ridge = np.linalg.norm(y, axis=-1), front.rho / front.channels * (t @ t.T)
    exact = y @ y.swapaxes(1, 2) + ridge
    inverse_root = _inverse_root(exact)
    whitening = device.whitening.astype(np.float64)
    values = np.linalg.eigvalsh(whitening.swapaxes(1, 2) @ exact @ whitening)
    parts = np.stack(
        [
            np.sqrt(front.channels) * _coefficients(front),
            _relative_covariance(front, inverse_root, norms, filtered, ridge),
            _whitening(exact, inverse_root, whitening, values[:, 0]),
            *_decomposition(values),
        ],
        axis=1,
    )
    total = HIGHER_ORDER * parts.sum(1)
    features = np.where(total < 0.5, total / (1 - np.minimum(total, 0.5)) ** 2, np.inf)
    return Bounds(filtered, _covariance(front, norms, filtered, ridge), parts, features)


def _inverse_root(c: Real) -> Real:
    values, vectors = np.linalg.eigh(c)
    return (vectors / np.sqrt(values)[:, None, :]) @ vectors.swapaxes(1, 2)


def _gains(front: FrontEnd) -> tuple[list[Real], NDArray[np.complex128]]:
    """(bands, 1) factors 1 + a1 + a2, a2 of both sections, and z^-1 on GRID frequencies."""
    a = front.denominators
    factors = [1 + a[:, 0] + a[:, 1], a[:, 1], 1 + a[:, 2] + a[:, 3], a[:, 3]]
    return [factor[:, None] for factor in factors], np.exp(-1j * np.linspace(0, np.pi, GRID))


def _denominator(beta: Real, alpha: Real, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return (1 - z) * (1 - alpha * z) + beta * z


def _filter(front: FrontEnd, inner: Real, outer: Real) -> Real:
    """A section adds roundings of at most |beta| |y| + (2 |alpha| + 2) |d| to its d, and of |y| to its y; what the
    filters behind them make of that is at most their largest gain.

    Args:
        inner, outer: (bands, n, samples), what the first and the second section give.
    """
    (beta1, alpha1, beta2, alpha2), z = _gains(front)
    first, second = 1 / _denominator(beta1, alpha1, z), 1 / _denominator(beta2, alpha2, z)

    def largest(gain: NDArray[np.complex128]) -> Real:
        return abs(gain).max(1)[:, None]

    def norms(y: Real, beta: Real, alpha: Real) -> tuple[Real, Real]:
        d = np.diff(y, axis=-1, prepend=0.0)
        size = np.linalg.norm(y, axis=-1)
        return abs(beta) * size + (2 * abs(alpha) + 2) * np.linalg.norm(d, axis=-1), size

    (d1, y1), (d2, y2) = norms(inner, beta1, alpha1), norms(outer, beta2, alpha2)
    error = largest(first * second) * d1 + largest((1 - alpha1 * z) * first * second) * y1
    error += largest(second) * d2 + largest((1 - alpha2 * z) * second) * y2
    return HIGHER_ORDER * ROUNDING * np.divide(error, y2, out=np.zeros_like(error), where=y2 > 0)


def _coefficients(front: FrontEnd) -> Real:
    """(bands,): by what factor rounded coefficients and gains change a covariance. All channels change alike, so that
    whitening does not amplify it."""
    factors, z = _gains(front)
    change = np.zeros(front.bands)
    for beta, alpha in (factors[:2], factors[2:]):
        change += ((abs((1 - z) * alpha) + abs(beta)) / abs(_denominator(beta, alpha, z))).max(1)
    return HIGHER_ORDER * ROUNDING * (2 * change + 1)


def _sum_roundings(front: FrontEnd) -> float:
    """Of a covariance's element: TIMES + blocks in the sums, the product with the gain and the sum with the ridge."""
    return ROUNDING * (TIMES + ceil(front.samples / TIMES) + 2)


def _covariance(front: FrontEnd, norms: Real, filtered: Real, ridge: Real) -> Real:
    """Elements, by Cauchy and Schwarz.

    Args:
        norms: (bands, n), square roots of the differences' variances.
        ridge: (n, n), what regularisation adds.
    """
    products = norms[:, :, None] * norms[:, None, :]
    one, other = filtered[:, :, None], filtered[:, None, :]
    relative = one + other + one * other + _sum_roundings(front) + _coefficients(front)[:, None, None]
    return HIGHER_ORDER * (products * relative + 3 * ROUNDING * abs(ridge))


def _relative_covariance(front: FrontEnd, inverse_root: Real, norms: Real, filtered: Real, ridge: Real) -> Real:
    """Frobenius norm of C^-1/2 E C^-1/2 for the covariance's error E, in two parts.

    The filter's: E = e y^T + y e^T + e e^T with |C^-1/2 y| at most 1 and |C^-1/2 e| at most |C^-1/2 diag(|e_i|)|
    sqrt(n). That of sums: elements at most proportional to products of norms.
    """
    n = front.channels
    largest = np.linalg.norm(inverse_root * (filtered * norms)[:, None, :], ord=2, axis=(1, 2)) * np.sqrt(n)
    scaled = np.linalg.norm(inverse_root * norms[:, None, :], ord=2, axis=(1, 2)) ** 2
    size = np.linalg.norm(inverse_root, ord=2, axis=(1, 2)) ** 2
    sums = n * _sum_roundings(front) * scaled + 3 * ROUNDING * np.linalg.norm(ridge) * size
    return 2 * largest + largest**2 + sums


def _whitening(c: Real, inverse_root: Real, h: Real, smallest: Real) -> Real:
    """Two products with n roundings per term, and one of the matrix: H^T C H with errors in C H and in the product.

    M^-1/2 H^T = Q C^-1/2 for an orthogonal Q takes the first one's amplification away.
    """
    roundings, size = (c.shape[1] + 1) * ROUNDING, abs(h)
    root = np.sqrt(np.diagonal(c, axis1=1, axis2=2))
    inner = np.linalg.norm((abs(c) @ size) / root[:, :, None], axis=(1, 2))
    inner *= np.linalg.norm(inverse_root * root[:, None, :], ord=2, axis=(1, 2)) / np.sqrt(smallest)
    outer = np.linalg.norm(size.swapaxes(1, 2) @ abs(c @ h), axis=(1, 2)) / smallest
    return roundings * (inner + outer)


def _decomposition(values: Real) -> tuple[Real, Real]:
    """What eigenvalues and eigenvectors make up is not quite the matrix, and eigenvectors are not quite orthogonal;
    then the roundings of logarithm, its products and the quantization's.

    Args:
        values: (bands, n), eigenvalues of the whitened covariances in ascending order.
    """
    n = values.shape[1]
    smallest, largest, slack = values[:, 0], values[:, -1], ORTHOGONAL * (n + 8) * ROUNDING
    residual = RESIDUAL * (n + 8) * ROUNDING * np.linalg.norm(values, axis=1) / smallest
    logarithm = abs(np.log(values)).max(1)
    own = (2 * slack + n * (n + LOGARITHM + 6) * ROUNDING) * logarithm
    return residual + 2 * slack * np.sqrt(largest / smallest), own
