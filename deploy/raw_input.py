"""The C function that turns a raw sample into the network's int8 input; it costs nothing unless it is called."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quant.graph import Tensor

ROUND = (
    "    int32_t floor_q;",
    "",
    "    if (!(q > -128.0f)) {",
    "        return -128;",
    "    }",
    "    if (q >= 127.0f) {",
    "        return 127;",
    "    }",
    "    floor_q = (int32_t)q;",
    "    return (int8_t)((float)floor_q > q ? floor_q - 1 : floor_q);",
    "}",
    "",
)
PER_LINE = 6


def c_float(value: float) -> str:
    """A float32 literal in C."""
    text = f"{np.float32(value):.9g}"
    return f"{text if any(c in text for c in '.en') else text + '.0'}f"


def quantize(prefix: str, tensor: Tensor, offset: ArrayLike, gain: ArrayLike) -> list[str]:
    """``PREFIX_quantize(raw)``: clip(floor((raw - offset) * gain / scale + 0.5) + zero point) in float.

    Args:
        offset, gain: numbers, or arrays broadcastable to a sample. Where they differ along one axis (an electrode's
            own mean and deviation) the function takes the position on that axis too; where they differ along
            several there is no function, since the tables would be as large as the input in float.
    """
    assert tensor.scale is not None
    offsets, gains = np.broadcast_arrays(np.asarray(offset, np.float64), np.asarray(gain, np.float64))
    factors, bias = gains / tensor.scale, c_float(tensor.zero_point + 0.5)
    sizes = [size for size in offsets.shape if size > 1]
    if len(sizes) > 1:
        return [f"/* No {prefix}_quantize: every element of the input has an offset and a scale of its own. */", ""]
    if not sizes:
        return [
            "/* A raw sample as int8, rounded half up and clipped. */",
            f"static inline int8_t {prefix}_quantize(float raw)",
            "{",
            f"    const float q = (raw - {c_float(offsets.item())}) * {c_float(factors.item())} + {bias};",
            *ROUND,
        ]
    return [
        f"/* A raw sample of one of the {sizes[0]} channels as int8, rounded half up and clipped. */",
        f"static inline int8_t {prefix}_quantize(float raw, int32_t channel)",
        "{",
        *_table("offset", offsets.reshape(-1)),
        *_table("factor", factors.reshape(-1)),
        f"    const float q = (raw - offset[channel]) * factor[channel] + {bias};",
        *ROUND,
    ]


def _table(name: str, values: NDArray[np.float64]) -> list[str]:
    words = [c_float(value) for value in values.tolist()]
    rows = [", ".join(words[start : start + PER_LINE]) for start in range(0, len(words), PER_LINE)]
    return [f"    static const float {name}[{len(words)}] = {{", *(f"        {row}," for row in rows), "    };"]
