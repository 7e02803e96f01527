"""The operators once more, in plain Python integers and loops straight from their definitions: slow and independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quant.graph import Tensor
from quant.ops import (
    Add,
    ArgMax,
    AveragePool,
    BinaryConv,
    BinaryDense,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Op,
    Pad,
    Requantize,
    Reshape,
    Slice,
    Table,
    Transpose,
)
from quant.requant import Requant
from tests.quant.plain_binary import binary
from tests.quant.plain_bits import bit_element
from tests.quant.plain_encoders import encoded
from tests.quant.plain_memory import memory_element

Index = tuple[int, ...]
Element = Callable[[Index], int]


def rescale(total: int, s: int, z: int, lo: int, hi: int) -> int:
    return max(lo, min(hi, z + total // 2**s))  # // is the floor


def requant(r: Requant, acc: int, channel: int) -> int:
    m, a, s = (int(v[channel]) if v.ndim else int(v) for v in (r.m, r.a, r.s))
    return rescale(acc * m + a, s, r.zero_point, r.lo, r.hi)


def seen(
    x: NDArray, channel: int, at: Sequence[int], kernel: Sequence[int], op: Any, dilations: Sequence[int]
) -> list[tuple[Index, int]]:
    """(kernel position, value) for each window element of output position ``at`` that lies inside the input."""
    found = []
    for tap in product(*map(range, kernel)):
        place = [p * s + t * d - pad for p, s, t, d, pad in zip(at, op.strides, tap, dilations, op.pads, strict=False)]
        if all(0 <= p < n for p, n in zip(place, x.shape[1:], strict=True)):
            found.append((tap, int(x[(channel, *place)])))
    return found


def element(op: Op, xs: Sequence[NDArray], tensors: Sequence[Tensor]) -> Element:
    """The function from an output index to its value."""
    x, z = xs[0], tensors[0].zero_point
    other = bit_element(op, xs) or memory_element(op, xs, tensors) or encoded(op, xs)
    if other is not None:
        return other
    if isinstance(op, Conv):
        per_group, per_out = op.weight.shape[1], len(op.weight) // op.groups

        def conv(index: Index) -> int:
            out, *at = index
            acc = int(op.bias[out])
            for c in range(per_group):
                for tap, value in seen(x, out // per_out * per_group + c, at, op.kernel, op, op.dilations):
                    acc += (value - z) * int(op.weight[(out, c, *tap)])
            return requant(op.requant, acc, out)

        return conv
    if isinstance(op, BinaryDense | BinaryConv):
        return binary(op, x, lambda acc, channel: requant(op.finish, acc, channel))
    if isinstance(op, Dense):
        return lambda index: requant(
            op.requant,
            int(op.bias[index[0]]) + sum((int(v) - z) * int(w) for v, w in zip(x, op.weight[index[0]], strict=True)),
            index[0],
        )
    if isinstance(op, Add):
        return lambda i: rescale(int(x[i]) * op.m1 + int(xs[1][i]) * op.m2 + op.a, op.s, op.zero_point, op.lo, op.hi)
    if isinstance(op, AveragePool | MaxPool):
        ones = (1,) * len(op.kernel)
        window = lambda i: [v for _, v in seen(x, i[0], i[1:], op.kernel, op, ones)]  # noqa: E731
        if isinstance(op, MaxPool):
            return lambda i: max(window(i))
        return lambda i: requant(op.requant, sum(v - z for v in window(i)), 0)
    if isinstance(op, Table):
        return lambda i: int(op.table[int(x[i]) + 128])
    if isinstance(op, Requantize):
        return lambda i: requant(op.requant, int(x[i]) - z, 0)
    return movement(op, xs, tensors)


def movement(op: Op, xs: Sequence[NDArray], tensors: Sequence[Tensor]) -> Element:
    x = xs[0]
    if isinstance(op, Reshape):
        flat = [int(x[i]) for i in np.ndindex(x.shape)]
        shape = op.infer(*tensors)[0]
        return lambda i: flat[int(np.ravel_multi_index(i, shape))]
    if isinstance(op, Concat):
        owners = [(k, j) for k, part in enumerate(xs) for j in range(part.shape[op.axis])]

        def concat(i: Index) -> int:
            k, j = owners[i[op.axis]]
            return int(xs[k][(*i[: op.axis], j, *i[op.axis + 1 :])])

        return concat
    if isinstance(op, Slice):
        kept = [list(range(n))[start:stop:step] for n, (start, stop, step) in zip(x.shape, op.ranges, strict=True)]
        return lambda i: int(x[tuple(k[j] for k, j in zip(kept, i, strict=True))])
    if isinstance(op, Transpose):
        return lambda i: int(x[tuple(i[op.perm.index(axis)] for axis in range(x.ndim))])
    if isinstance(op, Pad):

        def pad(i: Index) -> int:
            place = tuple(j - p for j, p in zip(i, op.pads, strict=False))
            inside = all(0 <= p < n for p, n in zip(place, x.shape, strict=True))
            return int(x[place]) if inside else tensors[0].zero_point

        return pad
    assert isinstance(op, ArgMax)

    def argmax(i: Index) -> int:
        line = [int(x[(*i[: op.axis], j, *i[op.axis + 1 :])]) for j in range(x.shape[op.axis])]
        return line.index(max(line))

    return argmax


def evaluate(op: Op, values: Sequence[NDArray], tensors: Sequence[Tensor]) -> list[list[int]]:
    """Per sample the output elements in row-major order; ``values`` (N, *shape)."""
    shape = op.infer(*tensors)[0]
    results = []
    for sample in zip(*values, strict=True):
        value = element(op, sample, tensors)
        results.append([value(index) for index in np.ndindex(shape)])
    return results
