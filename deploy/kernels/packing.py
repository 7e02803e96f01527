"""What kernel declarations share: geometry fields and channel records, as ``firmware/kernels`` reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quant.graph import Tensor
from quant.requant import Requant

HIGH, FULL = 4, 5  # words of a channel record in its two forms


def hwc(tensor: Tensor) -> tuple[int, int, int]:
    """Height, width and channels of a tensor; 1-D data has height 1."""
    if len(tensor.shape) == 1:
        return 1, 1, tensor.shape[0]
    channels, *spatial = tensor.shape
    height, width = [1] * (2 - len(spatial)) + spatial
    return height, width, channels


def two(values: Sequence[int], fill: int) -> tuple[int, int]:
    """(vertical, horizontal) of a per-dimension attribute; 1-D has ``fill`` vertically."""
    first, second = [fill] * (2 - len(values)) + list(values)
    return first, second


def window_fields(
    x: Tensor,
    y: Tensor,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int] | None = None,
) -> dict[str, int]:
    """Fields of ``ek_window``; only the leading pads matter, the trailing ones follow from the output size."""
    rank = len(kernel)
    sizes = {
        "in": zip("hwc", hwc(x), strict=True),
        "out": zip("hwc", hwc(y), strict=True),
        "kernel": zip("hw", two(kernel, 1), strict=True),
        "stride": zip("hw", two(strides, 1), strict=True),
        "dilation": zip("hw", two(dilations or (1,) * rank, 1), strict=True),
        "pad": zip(("top", "left"), two(pads[:rank], 0), strict=True),
    }
    return {f"window.{name}_{axis}": value for name, pairs in sizes.items() for axis, value in pairs}


def high_form(requant: Requant) -> bool:
    """Whether records fit the high form: it exists, and the zero point folds into the rounding constant in int32."""
    if not requant.high_word_only:
        return False
    folded = np.abs(requant.a >> 32) + np.abs(requant.zero_point * (1 << np.minimum(requant.s - 32, 30)))
    return bool(np.all(folded < 1 << 30))  # hi32(acc * m) stays below 2^30, so the sum stays in int32


def requant_fields(requant: Requant) -> dict[str, int]:
    """Fields of ``ek_requant``."""
    return {
        "requant.full": int(not high_form(requant)),
        "requant.zero": requant.zero_point,
        "requant.lo": requant.lo,
        "requant.hi": requant.hi,
        "requant.out_bits": requant.dtype.bits,
    }


def low_word(value: int) -> int:
    """The lower 32 bits as an int32."""
    return ((value + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def records(requant: Requant, bias: NDArray[np.int64]) -> NDArray[np.int64]:
    """int32 words ``(channels * record)``: bias, m, round, shift, or bias, m, low a, high a, s in the full form."""
    m, a, s = (np.broadcast_to(v, bias.shape) for v in (requant.m, requant.a, requant.s))
    if high_form(requant):
        words = [bias, m, (a >> 32) + (requant.zero_point << (s - 32)), s - 32]
    else:
        words = [bias, m, ((a + (1 << 31)) & 0xFFFFFFFF) - (1 << 31), a >> 32, s]
    return np.stack(words, axis=-1).ravel()
