"""Constants that a model computes from constants: exporters write padding and shapes that way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from quant.errors import Unsupported
from quant.interchange.view import NodeView
from quant.ops.base import require

LARGEST = 1 << 24  # elements of a folded constant


def fold(view: NodeView) -> bool:
    """Whether the node only computes a constant; then its value joins the model's constants.

    Raises:
        Unsupported: the constants do not fit the operator.
    """
    given = [name for name in view.inputs if name]
    if view.op_type not in FOLDED or not given or not all(view.model.is_constant(name) for name in given):
        return False
    arrays = [view.model.array(name) if name else np.zeros(0) for name in view.inputs]
    try:
        view.model.define(view.output, FOLDED[view.op_type](view, arrays))
    except (ValueError, IndexError, TypeError, OverflowError, KeyError, MemoryError) as error:
        raise Unsupported(f"its constants do not fit together ({error})") from None
    return True


Arrays = Sequence[NDArray]


def _constant_of_shape(view: NodeView, xs: Arrays) -> NDArray:
    shape = tuple(xs[0].tolist())
    require(int(np.prod(shape, dtype=object)) <= LARGEST, f"shape {list(shape)} is too large", f"{LARGEST} elements")
    return np.full(shape, view.tensor("value", np.zeros(1, np.float32)).ravel()[0])


def _cast(view: NodeView, xs: Arrays) -> NDArray:
    to = view.integer("to", TensorProto.UNDEFINED)
    return xs[0].astype(helper.tensor_dtype_to_np_dtype(to))


def _slice(view: NodeView, xs: Arrays) -> NDArray:
    starts, stops = xs[1].tolist(), xs[2].tolist()
    axes = xs[3].tolist() if view.has(3) else range(len(starts))
    steps = xs[4].tolist() if view.has(4) else [1] * len(starts)
    index = [slice(None)] * xs[0].ndim
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        index[axis] = slice(start, stop, step)
    return xs[0][tuple(index)]


def _reshape(view: NodeView, xs: Arrays) -> NDArray:
    return xs[0].reshape([xs[0].shape[i] if d == 0 else d for i, d in enumerate(xs[1].tolist())])


def _unsqueeze(view: NodeView, xs: Arrays) -> NDArray:
    return np.expand_dims(xs[0], tuple(xs[1].tolist()))


def _squeeze(view: NodeView, xs: Arrays) -> NDArray:
    return np.squeeze(xs[0], tuple(xs[1].tolist()) if view.has(1) else None)


def _clip(view: NodeView, xs: Arrays) -> NDArray:
    low, high = (xs[i] if view.has(i) else None for i in (1, 2))
    return xs[0] if low is None and high is None else np.clip(xs[0], low, high)


def _quantize(view: NodeView, xs: Arrays) -> NDArray:
    """As the exporting framework did: float32 quotient, ties to even."""
    zero = xs[2] if view.has(2) else np.zeros((), np.uint8)
    require(zero.dtype in (np.int8, np.uint8), f"zero point has type {zero.dtype}", "int8, uint8")
    scale = along_axis(xs[1], view, xs[0].ndim)
    limits = np.iinfo(zero.dtype)
    with np.errstate(all="ignore"):
        values = np.rint(xs[0].astype(np.float32) / scale.astype(np.float32)) + along_axis(zero, view, xs[0].ndim)
    require(bool(np.all(np.isfinite(values))), "its input or scale is not finite", "finite numbers")
    return np.clip(values, limits.min, limits.max).astype(zero.dtype)


def along_axis(values: NDArray, view: NodeView, rank: int) -> NDArray:
    """Per-axis scales or zero points, shaped to broadcast against a constant of ``rank``."""
    if values.size == 1:
        return values.reshape(())
    axis = view.integer("axis", 1) % rank
    return values.reshape([-1 if i == axis else 1 for i in range(rank)])


FOLDED: dict[str, Callable[[NodeView, Arrays], NDArray]] = {
    "Cast": _cast,
    "Clip": _clip,
    "Concat": lambda view, xs: np.concatenate(xs, view.integer("axis", 0)),
    "ConstantOfShape": _constant_of_shape,
    "Gather": lambda view, xs: np.take(xs[0], xs[1], view.integer("axis", 0)),
    "Identity": lambda view, xs: xs[0],
    "QuantizeLinear": _quantize,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": lambda view, xs: np.transpose(xs[0], view.integers("perm", range(xs[0].ndim)[::-1])),
    "Unsqueeze": _unsqueeze,
}
