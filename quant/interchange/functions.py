"""Model-local ONNX functions of the domain ``edgekit``, built from standard integer operators only.

* ``Rescale(total, s) {zero_point, lo, hi, to}``: clip(zero_point + (total >> s), lo, hi), total int64
* ``Requant(acc, m, a, s) {...}``: Rescale(acc * m + a, s), acc int32
* ``RequantAdd(x1, x2, m1, m2, a, s) {...}``: Rescale(x1 * m1 + x2 * m2 + a, s)
* ``SumPool(x, ones, x_zero_point) {kernel_shape, strides, pads, group}``: int32 sum of x - x_zero_point over a window
* ``Table(x, table) {zero_point}``: table[x + 128]

Those on bits are in :mod:`quant.interchange.bit_functions`, :mod:`quant.interchange.binary_functions` and
:mod:`quant.interchange.encoder_functions`.

ONNX shifts unsigned integers only, so an arithmetic shift of |t| < 2^62 is ((t + 2^62) >> s) - (2^62 >> s) in uint64.
"""

from __future__ import annotations

from onnx import AttributeProto, FunctionProto, NodeProto, TensorProto, helper

from quant.interchange.binary_functions import binary_functions
from quant.interchange.bit_functions import bit_functions
from quant.interchange.encoder_functions import encoder_functions
from quant.interchange.local_function import DOMAIN, from_attribute, function, integer
from quant.interchange.memory_functions import memory_functions

IR_VERSION = 10  # the newest that ONNX Runtime 1.24 reads
I32, I64, U64 = TensorProto.INT32, TensorProto.INT64, TensorProto.UINT64
TAIL = ("zero_point", "lo", "hi", "to")


def _rescale() -> FunctionProto:
    node = helper.make_node
    cast = from_attribute(node("Cast", ["clipped"], ["y"]), "to", "to", AttributeProto.INT)
    nodes = [
        node("Constant", [], ["offset"], value_int=1 << 62),
        node("Cast", ["s"], ["places"], to=U64),
        node("Add", ["total", "offset"], ["raised"]),
        node("Cast", ["raised"], ["raised_u"], to=U64),
        node("BitShift", ["raised_u", "places"], ["shifted_u"], direction="RIGHT"),
        node("Cast", ["shifted_u"], ["shifted"], to=I64),
        node("Cast", ["offset"], ["offset_u"], to=U64),
        node("BitShift", ["offset_u", "places"], ["excess_u"], direction="RIGHT"),
        node("Cast", ["excess_u"], ["excess"], to=I64),
        node("Sub", ["shifted", "excess"], ["rounded"]),
        *(integer(name) for name in ("zero_point", "lo", "hi")),
        node("Add", ["rounded", "zero_point"], ["moved"]),
        node("Clip", ["moved", "lo", "hi"], ["clipped"]),
        cast,
    ]
    return function("Rescale", ["total", "s"], "y", TAIL, nodes)


def _call_rescale() -> NodeProto:
    call = helper.make_node("Rescale", ["total", "s"], ["y"], domain=DOMAIN)
    for name in TAIL:
        from_attribute(call, name, name, AttributeProto.INT)
    return call


def _requant() -> FunctionProto:
    node = helper.make_node
    nodes = [
        node("Cast", ["acc"], ["wide"], to=I64),
        node("Mul", ["wide", "m"], ["scaled"]),
        node("Add", ["scaled", "a"], ["total"]),
        _call_rescale(),
    ]
    return function("Requant", ["acc", "m", "a", "s"], "y", TAIL, nodes)


def _requant_add() -> FunctionProto:
    node = helper.make_node
    nodes = [
        node("Cast", ["x1"], ["wide1"], to=I64),
        node("Cast", ["x2"], ["wide2"], to=I64),
        node("Mul", ["wide1", "m1"], ["scaled1"]),
        node("Mul", ["wide2", "m2"], ["scaled2"]),
        node("Add", ["scaled1", "scaled2"], ["sum"]),
        node("Add", ["sum", "a"], ["total"]),
        _call_rescale(),
    ]
    return function("RequantAdd", ["x1", "x2", "m1", "m2", "a", "s"], "y", TAIL, nodes)


def _sum_pool() -> FunctionProto:
    conv = helper.make_node("ConvInteger", ["x", "ones", "x_zero_point"], ["acc"])
    for name in ("kernel_shape", "strides", "pads"):
        from_attribute(conv, name, name, AttributeProto.INTS)
    from_attribute(conv, "group", "group", AttributeProto.INT)
    return function(
        "SumPool", ["x", "ones", "x_zero_point"], "acc", ["kernel_shape", "strides", "pads", "group"], [conv]
    )


def _table() -> FunctionProto:
    node = helper.make_node
    nodes = [
        node("Constant", [], ["half"], value=helper.make_tensor("half", I32, [], [128])),
        node("Cast", ["x"], ["wide"], to=I32),
        node("Add", ["wide", "half"], ["index"]),
        node("Gather", ["table", "index"], ["y"], axis=0),
    ]
    return function("Table", ["x", "table"], "y", ["zero_point"], nodes)


def functions() -> list[FunctionProto]:
    """All functions, in the order in which they need each other."""
    own = [_rescale(), _requant(), _requant_add(), _sum_pool(), _table()]
    return [*own, *bit_functions(), *binary_functions(), *memory_functions(), *encoder_functions()]
