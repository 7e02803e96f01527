"""Sliding windows over the spatial axes: what convolution and pooling share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from quant.ops.base import IntArray, require


def check_window(
    kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Sequence[int], spatial: Sequence[int]
) -> None:
    """Attribute lengths and values; raises ``Unsupported`` naming the attribute."""
    rank = len(spatial)
    require(
        len(kernel) == rank,
        f"kernel_shape {list(kernel)} does not fit an input of {rank} spatial dimensions",
        f"{rank} values",
    )
    for name, values, count, low in (
        ("strides", strides, rank, 1),
        ("dilations", dilations, rank, 1),
        ("pads", pads, 2 * rank, 0),
    ):
        require(len(values) == count, f"attribute {name} has {len(values)} values {list(values)}", f"{count} values")
        require(min(values) >= low, f"attribute {name} is {list(values)}", f"values >= {low}")


def output_size(
    kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Sequence[int], spatial: Sequence[int]
) -> tuple[int, ...]:
    """Spatial output shape, floor mode; raises ``Unsupported`` where the window is larger than the padded input."""
    check_window(kernel, strides, dilations, pads, spatial)
    rank = len(spatial)
    room = [
        n + pads[i] + pads[rank + i] - d * (k - 1) - 1
        for i, (n, k, d) in enumerate(zip(spatial, kernel, dilations, strict=True))
    ]
    require(
        min(kernel) >= 1 and min(room) >= 0,
        f"the kernel {list(kernel)} with dilations {list(dilations)} does not fit the padded input",
        f"a kernel inside the input {list(spatial)} with pads {list(pads)}",
        "a smaller kernel or dilation, or more padding",
    )
    return tuple(r // s + 1 for r, s in zip(room, strides, strict=True))


def padded(x: IntArray, pads: Sequence[int], value: int) -> IntArray:
    """``x`` (N, C, *spatial) with ``value`` around its spatial axes."""
    rank = x.ndim - 2
    return np.pad(x, [(0, 0), (0, 0), *((pads[i], pads[rank + i]) for i in range(rank))], constant_values=value)


def taps(
    x: IntArray, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], out: Sequence[int]
) -> Iterator[IntArray]:
    """For each kernel position, in row-major order, the elements (N, C, *out) of the padded ``x`` that it sees."""
    for index in product(*(range(k) for k in kernel)):
        window = tuple(
            slice(i * d, i * d + (n - 1) * s + 1, s) for i, d, s, n in zip(index, dilations, strides, out, strict=True)
        )
        yield x[(slice(None), slice(None), *window)]
