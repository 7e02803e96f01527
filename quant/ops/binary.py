"""What the layers on bits share: sums of products of +1 and -1, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quant.dtypes import DType
from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, require
from quant.requant import Requant

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer

INT32 = 1 << 31


@dataclass(frozen=True, eq=False)
class Threshold:
    """bit = [sum >= level], one int64 level per output ``(out,)``, values in int32."""

    levels: IntArray


Finish = Requant | Threshold | None  # None: the sums themselves, s32


def signs(bits: NDArray) -> IntArray:
    """1 as +1, 0 as -1."""
    return 2 * bits.astype(np.int64) - 1


def output_type(finish: Finish) -> tuple[DType, int]:
    """Type and zero point."""
    if finish is None:
        return DType.S32, 0
    return (DType.B1, 0) if isinstance(finish, Threshold) else (finish.dtype, finish.zero_point)


def finished(acc: IntArray, finish: Finish) -> IntArray:
    """The outputs of sums ``(N, out, *spatial)`` that hold their bias."""
    if isinstance(finish, Threshold):
        return (acc >= finish.levels.reshape(-1, *[1] * (acc.ndim - 2))).astype(np.int64)
    return acc if finish is None else finish.apply(acc)


def binary_faults(weight: NDArray, bias: IntArray, finish: Finish) -> Iterator[Unsupported]:
    """Values out of range, shapes that do not fit, sums that could overflow."""
    outputs, terms = len(weight), weight[0].size
    if not np.isin(weight, (0, 1)).all():
        yield Unsupported("weights hold other values than bits", "0 (stands for -1) and 1")
    if bias.shape != (outputs,):
        yield Unsupported(f"bias has shape {bias.shape}", f"({outputs},)")
        return
    bound = terms + int(np.abs(bias).max())
    if bound >= INT32:
        yield Unsupported(f"a sum can reach {bound}, beyond int32", "sums proven inside int32", "a smaller bias")
    if isinstance(finish, Threshold):
        yield from _threshold_faults(finish, bias)
    elif finish is not None:
        if finish.channels not in (None, outputs):
            yield Unsupported(f"requantization has {finish.channels} channels", f"1 or {outputs}")
            return
        for fault in finish.faults():
            yield Unsupported(fault)
        overflow = finish.overflow(terms + np.abs(bias) if finish.channels else bound)
        if overflow:
            yield Unsupported(overflow, "accumulators proven inside int32", "fewer inputs per output")


def _threshold_faults(finish: Threshold, bias: IntArray) -> Iterator[Unsupported]:
    if finish.levels.shape != bias.shape:
        yield Unsupported(f"levels have shape {finish.levels.shape}", f"{bias.shape}")
    elif np.abs(finish.levels).max() >= INT32:
        yield Unsupported("a level does not fit int32")
    if np.any(bias):
        yield Unsupported("it has a bias beside its levels", "a bias of 0", "subtract the bias from the levels")


def write_binary(
    writer: Writer,
    function: str,
    weight: NDArray,
    bias: IntArray,
    finish: Finish,
    x: Tensor,
    y: Tensor,
    broadcast: tuple[int, ...],
    attributes: Mapping[str, Any],
) -> None:
    """``function(x, +-1) -> GreaterOrEqual(levels)``, or ``-> Add(bias)``, behind which may be ``edgekit.Requant``."""
    weights = writer.constant(f"{y.name}.weight", signs(weight).astype(np.int8))
    writer.node(function, [x.name, weights], f"{y.name}.sum", **attributes)
    if isinstance(finish, Threshold):
        levels = writer.constant(f"{y.name}.levels", finish.levels.astype(np.int32).reshape(broadcast))
        writer.node("GreaterOrEqual", [f"{y.name}.sum", levels], y.name)
        return
    acc = y.name if finish is None else f"{y.name}.acc"
    biases = writer.constant(f"{y.name}.bias", bias.astype(np.int32).reshape(broadcast))
    writer.node("Add", [f"{y.name}.sum", biases], acc)
    if finish is not None:
        writer.requant(finish, acc, y.name, broadcast)


def read_signs(root: NodeView) -> NDArray[np.bool_]:
    """The weights of a function of :func:`write_binary`, as bits."""
    require(len(root.inputs) == 2, f"it has {len(root.inputs)} inputs", "x, weight")
    weight = root.constant(1, "weight", np.int8)
    require(bool(np.isin(weight, (-1, 1)).all()), "weights hold other values than -1 and 1", "-1 and 1")
    return weight > 0


def read_binary(root: NodeView, channels: int, spatial: int) -> tuple[IntArray, Finish, Match]:
    """Bias, what becomes of the sums, and the matched nodes; ``spatial`` axes follow the ``channels``."""
    compare, add = root.follow("GreaterOrEqual"), root.follow("Add")
    if compare is not None:
        require(compare.inputs[0] == root.output, "levels are compared with sums", "sums with levels")
        levels = compare.along_channels(compare.constant(1, "levels", np.int32), "levels", channels, spatial)
        return np.zeros(channels, np.int64), Threshold(levels), root.match(root.inputs[:1], [root, compare])
    require(
        add is not None,
        f"its int32 result '{root.output}' goes elsewhere than to Add or GreaterOrEqual",
        "Add(bias), or GreaterOrEqual(levels), as its only consumer",
    )
    assert add is not None
    bias = add.along_channels(add.constant_operand(root.output, "bias", np.int32), "bias", channels, spatial)
    if add.follow("edgekit.Requant") is None:
        return bias, None, root.match(root.inputs[:1], [root, add])
    requant, last = add.follow_requant(channels, spatial)
    return bias, requant, root.match(root.inputs[:1], [root, add, last])
