"""What convolution and dense share: weights, bias and requantization, their proofs and their ONNX pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from quant.errors import Unsupported
from quant.graph import Tensor
from quant.ops.base import IntArray, require
from quant.requant import Requant

if TYPE_CHECKING:
    from quant.interchange.view import Match, NodeView
    from quant.interchange.writer import Writer


def linear_faults(rows: IntArray, bias: IntArray, requant: Requant, x: Tensor) -> Iterator[Unsupported]:
    """Range and overflow findings; ``rows`` (out, inputs) holds every weight that meets one output channel.

    The bound sum |w| * max|x - z_x| + |bias| holds for any order of summation, so partial sums are covered as well.
    """
    if np.abs(rows).max(initial=0) > 127:
        yield Unsupported(
            f"a weight is {int(rows.flat[np.abs(rows).argmax()])}",
            "-127..127",
            "quantize with a symmetric narrow range",
        )
    if np.abs(bias).max(initial=0) >= 1 << 31:
        yield Unsupported("a bias does not fit int32")
    if bias.shape != (len(rows),):
        yield Unsupported(f"bias has shape {bias.shape}", f"({len(rows)},)")
        return
    if requant.channels not in (None, len(rows)):
        yield Unsupported(f"requantization has {requant.channels} channels", f"1 or {len(rows)}")
        return
    for fault in requant.faults():
        yield Unsupported(fault)
    reach = max(x.dtype.high - x.zero_point, x.zero_point - x.dtype.low)
    bound = np.abs(rows).sum(axis=1) * reach + np.abs(bias)
    overflow = requant.overflow(bound if requant.channels else int(bound.max()))
    if overflow:
        yield Unsupported(overflow, "accumulators proven inside int32", "fewer inputs per output, or smaller weights")


def write_linear(
    writer: Writer,
    op_type: str,
    weight: IntArray,
    bias: IntArray,
    requant: Requant,
    x: Tensor,
    y: Tensor,
    broadcast: tuple[int, ...],
    attributes: Mapping[str, Any],
) -> None:
    """``op_type(x, weight, zero point) -> Add(bias) -> edgekit.Requant``; ``broadcast`` shapes per-channel factors."""
    zero_point = writer.constant(f"{y.name}.x_zero_point", np.int8(x.zero_point))
    operands = [x.name, writer.constant(f"{y.name}.weight", weight.astype(np.int8)), zero_point]
    writer.node(op_type, operands, f"{y.name}.sum", **attributes)
    biases = writer.constant(f"{y.name}.bias", bias.astype(np.int32).reshape(broadcast))
    writer.node("Add", [f"{y.name}.sum", biases], f"{y.name}.acc")
    writer.requant(requant, f"{y.name}.acc", y.name, broadcast)


def read_linear(root: NodeView, channels: int, spatial: int) -> tuple[IntArray, Requant, Match]:
    """Bias (zeros where absent), requantization and the matched nodes of the pattern that ``root`` starts.

    ``channels``: outputs; ``spatial``: how many axes follow the channel axis in the accumulator.
    """
    require(len(root.inputs) in (2, 3, 4), f"it has {len(root.inputs)} inputs", "x, weight, x_zero_point")
    if len(root.inputs) == 4:
        require(
            not np.any(root.constant(3, "w_zero_point", np.int8)),
            "weights have a zero point other than 0",
            "symmetric weights, zero point 0",
        )
    root.expect_zero_point(0, root.scalar(2, "x_zero_point", np.int8) if len(root.inputs) > 2 else 0)
    add = root.follow("Add")
    bias = np.zeros(channels, np.int64)
    nodes = [root]
    if add is not None:
        bias = add.along_channels(add.constant_operand(root.output, "bias", np.int32), "bias", channels, spatial)
        nodes.append(add)
    requant, last = nodes[-1].follow_requant(channels, spatial)
    return bias, requant, root.match(inputs=(root.inputs[0],), nodes=[*nodes, last])
