"""Front ends with made-up parameters, windows for them, and a program that shows what lies between the stages."""

from __future__ import annotations

import ctypes
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter

from deploy import features
from quant.front_end import FrontEnd
from tests.firmware.toolchain import compile_source, host_compiler

RATE = 160
# Runs the stages of one band one after the other; after each, what the next one reads.
STAGES = """
void stages(int32_t band, const int16_t *x, float *sums, float *whitened, float *values, float *vectors, float *result);
void stages(int32_t band, const int16_t *x, float *sums, float *whitened, float *values, float *vectors, float *result)
{
    int32_t i;

    ek_features_sums(&shared, &bands[band], x, &scratch);
    for (i = 0; i < EK_SQUARE; i++) sums[i] = scratch.covariance[i];
    ek_features_whiten(&shared, &bands[band], &scratch);
    for (i = 0; i < EK_SQUARE; i++) whitened[i] = scratch.covariance[i];
    ek_features_log(&scratch);
    for (i = 0; i < EK_CHANNELS; i++) values[i] = scratch.values[i];
    for (i = 0; i < EK_SQUARE; i++) vectors[i] = scratch.block.square.vectors[i];
    for (i = 0; i < EK_SQUARE; i++) result[i] = scratch.covariance[i];
}
float logarithm(float x);
float logarithm(float x) { return ek_log(x); }
int32_t rounded(float x);
int32_t rounded(float x) { return ek_round_s16(x); }
"""


@dataclass(frozen=True, eq=False)
class Stages:
    """Float32 values of one band: sums of products and whitened covariance above the diagonal, eigenvalues,
    eigenvectors in rows, logarithm above the diagonal."""

    sums: NDArray[np.float32]
    whitened: NDArray[np.float32]
    values: NDArray[np.float32]
    vectors: NDArray[np.float32]
    logarithm: NDArray[np.float32]


class Library:
    """A front end's C on this machine."""

    def __init__(self, front: FrontEnd, folder: Path, compiler: str = "zig, optimised") -> None:
        self.front = front
        own = Path(tempfile.mkdtemp(dir=folder))  # the loader keeps libraries by name
        source, output = own / "front.c", own / "front.so"
        source.write_text(features.source(front, "model", "/* test */") + STAGES, encoding="utf-8")
        # not the address sanitizer: its run-time library has to be loaded before Python
        flags = ("-shared", "-fPIC", "-fno-sanitize=address", "-ffp-contract=off", "-fno-math-errno")
        compile_source(host_compiler(compiler), source, output, *flags)
        self._library = ctypes.CDLL(str(output))
        self._library.logarithm.argtypes, self._library.logarithm.restype = [ctypes.c_float], ctypes.c_float
        self._library.rounded.argtypes, self._library.rounded.restype = [ctypes.c_float], ctypes.c_int32

    def features(self, x: NDArray[np.int16]) -> NDArray[np.int16]:
        """(bands, features of a band) of one window."""
        given = np.ascontiguousarray(x, np.int16)
        out = np.zeros((self.front.bands, self.front.per_band), np.int16)
        self._library.model_features(_pointer(given), _pointer(out))
        return out

    def stages(self, x: NDArray[np.int16], band: int) -> Stages:
        given, n = np.ascontiguousarray(x, np.int16), self.front.channels
        square = [np.zeros((n, n), np.float32) for _ in range(4)]
        values = np.zeros(n, np.float32)
        order = (square[0], square[1], values, square[2], square[3])
        self._library.stages(ctypes.c_int32(band), _pointer(given), *map(_pointer, order))
        return Stages(*order)

    def logarithm(self, x: float) -> float:
        return float(self._library.logarithm(x))

    def rounded(self, x: float) -> int:
        return int(self._library.rounded(x))


def _pointer(array: NDArray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def band_passes(edges: list[tuple[float, float]], rate: float = RATE) -> NDArray[np.float64]:
    return np.array([butter(2, pair, "bandpass", fs=rate, output="sos") for pair in edges])


def windows(random: np.random.Generator, trials: int, channels: int, samples: int) -> NDArray[np.int16]:
    """Channels that have most of their slow noise in common, as electrodes next to each other do."""
    common = random.normal(size=(trials, channels, samples)).cumsum(-1)
    mixed = (np.eye(channels) + random.normal(size=(channels, channels))) @ common
    x = 4 * (mixed - mixed.mean(-1, keepdims=True)) + 5 * random.normal(size=common.shape)
    return np.clip(np.round(x), -(2**15), 2**15 - 1).astype(np.int16)


def fitted(x: NDArray[np.int16], edges: list[tuple[float, float]], scale: float = 2**-10) -> FrontEnd:
    """A front end that whitens with the mean covariance of ``x``."""
    sos, (_, n, samples) = band_passes(edges), x.shape
    plain = FrontEnd.of(sos, np.tile(np.eye(n), (len(edges), 1, 1)), samples=samples, rho=0.1, scale=scale)
    values, vectors = np.linalg.eigh(plain.covariances(x).mean(0))
    whitening = (vectors / np.sqrt(values)[:, None, :]) @ vectors.swapaxes(-1, -2)
    return FrontEnd.of(sos, whitening, samples=samples, rho=0.1, scale=scale)
