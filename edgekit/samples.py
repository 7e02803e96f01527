"""Input files of ``edgekit emulate``: int8 as the network takes it, or raw samples that are quantized here."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quant.errors import Problem, UserError

SUPPORTED = "a NumPy file (.npy) of int8 (quantized) or float32/float64 (raw samples)"


def load_samples(path: Path, tensor: Mapping[str, Any], info: Mapping[str, Any]) -> NDArray[np.int8]:
    """Inputs ``(N, *shape)`` for ``tensor`` (an entry of build.json) from a .npy file.

    The file holds ``(N, *shape)`` or one sample ``(*shape)``; where the model has one channel, ``(N, length)`` too.

    Raises:
        UserError: no such file, not .npy, wrong type or shape, no sample, or values that are no numbers.
    """
    where = f"input file {path}"
    array = _fit(_read(path, where), tuple(tensor["shape"]), where)
    if array.dtype == np.int8:
        return array
    if array.dtype not in (np.float32, np.float64):
        fix = "save raw samples with .astype('float32'), quantized ones with .astype('int8')"
        raise UserError(Problem(f"elements are {array.dtype}", where, SUPPORTED, fix))
    if bad := int(np.count_nonzero(~np.isfinite(array))):
        raise UserError(Problem(f"{bad} values are NaN or infinite", where, "numbers", "repair the recording"))
    return quantize(array, tensor, info)


def quantize(raw: NDArray, tensor: Mapping[str, Any], info: Mapping[str, Any]) -> NDArray[np.int8]:
    """Raw samples to int8: clip(floor((raw - offset) * gain / scale + 0.5) + zero_point) in float64.

    ``info["preprocess"]`` holds offset and gain, numbers or nested lists broadcastable to a sample; a model without it
    takes real values as they are.

    Raises:
        UserError: the model does not say which real value an input byte stands for.
    """
    if tensor["scale"] is None:
        fix = "give int8 inputs, or a model that carries the scale of its input"
        raise UserError(
            Problem("it has no scale, so raw samples cannot be quantized", f"input '{tensor['name']}'", "int8", fix)
        )
    before = info.get("preprocess", {"offset": 0.0, "gain": 1.0})
    offset, gain = (np.asarray(before[key], np.float64) for key in ("offset", "gain"))
    return stored((raw.astype(np.float64) - offset) * gain, tensor["scale"], tensor["zero_point"])


def stored(real: NDArray, scale: float, zero_point: int) -> NDArray[np.int8]:
    """Real network inputs to int8: clip(floor(real / scale + 0.5) + zero_point) in float64."""
    steps = np.floor(real.astype(np.float64) / scale + 0.5) + zero_point
    return np.clip(steps, -128, 127).astype(np.int8)


def random_samples(count: int, tensor: Mapping[str, Any], seed: int = 0) -> NDArray[np.int8]:
    """``(count, *shape)`` for pricing without a recording; the same for the same seed."""
    return np.random.default_rng(seed).integers(-128, 128, (count, *tensor["shape"]), np.int8)


def _read(path: Path, where: str) -> NDArray:
    if not path.is_file():
        raise UserError(Problem("there is no such file", where, SUPPORTED))
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(
            Problem(f"it cannot be read as .npy ({error})", where, SUPPORTED, "write it with numpy.save")
        ) from None
    if not isinstance(array, np.ndarray):
        fix = f"numpy.save one of its arrays: {', '.join(array.files)}"
        raise UserError(Problem("it holds several arrays (.npz)", where, SUPPORTED, fix))
    return array


def _fit(array: NDArray, shape: tuple[int, ...], where: str) -> NDArray:
    if array.shape == shape:
        return array[None]
    if array.ndim > 1 and array.shape[1:] == tuple(size for size in shape if size > 1) and prod(array.shape) > 0:
        return array.reshape(len(array), *shape)
    if array.shape[1:] != shape or len(array) == 0:
        wanted = ", ".join(map(str, shape))
        fix = f"reshape it to (number of samples, {wanted})"
        raise UserError(Problem(f"its shape is {array.shape}", where, f"(N, {wanted}) with N >= 1, or ({wanted})", fix))
    return array
