"""Input files of ``edgekit emulate``: integers as the model takes them, or raw samples that are quantized here."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Problem, UserError


def load_samples(path: Path, tensor: Mapping[str, Any], info: Mapping[str, Any]) -> NDArray:
    """Inputs ``(N, *shape)`` for ``tensor`` (an entry of build.json) from a .npy file.

    The file holds ``(N, *shape)`` or one sample ``(*shape)``; where the model has one channel, ``(N, length)`` too.

    Raises:
        UserError: no such file, not .npy, wrong type or shape, no sample, or values that are no numbers.
    """
    where, dtype = f"input file {path}", DType(tensor["dtype"])
    supported = f"a NumPy file (.npy) of {dtype.numpy} (quantized) or float32/float64 (raw samples)"
    array = _fit(_read(path, where, supported), tuple(tensor["shape"]), where)
    if array.dtype == dtype.numpy:
        return array
    if array.dtype not in (np.float32, np.float64):
        fix = f"save raw samples with .astype('float32'), quantized ones with .astype('{dtype.numpy}')"
        raise UserError(Problem(f"elements are {array.dtype}", where, supported, fix))
    if bad := int(np.count_nonzero(~np.isfinite(array))):
        raise UserError(Problem(f"{bad} values are NaN or infinite", where, "numbers", "repair the recording"))
    return quantize(array, tensor, info)


def quantize(raw: NDArray, tensor: Mapping[str, Any], info: Mapping[str, Any]) -> NDArray:
    """Raw samples as the model takes them: clip(floor((raw - offset) * gain / scale + 0.5) + zero_point) in float64.

    ``info["preprocess"]`` holds offset and gain, numbers or nested lists broadcastable to a sample; a model without it
    takes real values as they are.

    Raises:
        UserError: the model does not say which real value an integer of its input stands for.
    """
    if tensor["scale"] is None:
        kind = DType(tensor["dtype"]).numpy
        fix = f"give {kind} inputs, or a model that carries the scale of its input"
        what = "it has no scale, so raw samples cannot be quantized"
        raise UserError(Problem(what, f"input '{tensor['name']}'", str(kind), fix))
    before = info.get("preprocess", {"offset": 0.0, "gain": 1.0})
    offset, gain = (np.asarray(before[key], np.float64) for key in ("offset", "gain"))
    real = (raw.astype(np.float64) - offset) * gain
    return stored(real, tensor["scale"], tensor["zero_point"], DType(tensor["dtype"]))


def stored(real: NDArray, scale: float, zero_point: int, dtype: DType = DType.S8) -> NDArray:
    """Real network inputs as integers: clip(floor(real / scale + 0.5) + zero_point) in float64."""
    steps = np.floor(real.astype(np.float64) / scale + 0.5) + zero_point
    return np.clip(steps, dtype.low, dtype.high).astype(dtype.numpy)


def random_samples(count: int, tensor: Mapping[str, Any], seed: int = 0) -> NDArray:
    """``(count, *shape)`` for pricing without a recording; the same for the same seed."""
    dtype = DType(tensor["dtype"])
    shape = (count, *tensor["shape"])
    return np.random.default_rng(seed).integers(dtype.low, dtype.high, shape, dtype.numpy, endpoint=True)


def _read(path: Path, where: str, supported: str) -> NDArray:
    if not path.is_file():
        raise UserError(Problem("there is no such file", where, supported))
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(
            Problem(f"it cannot be read as .npy ({error})", where, supported, "write it with numpy.save")
        ) from None
    if not isinstance(array, np.ndarray):
        fix = f"numpy.save one of its arrays: {', '.join(array.files)}"
        raise UserError(Problem("it holds several arrays (.npz)", where, supported, fix))
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
