"""Model-local ONNX functions on bits, which ONNX holds as booleans (N, D) or (N, D, positions).

* ``Hamming(x, memory) {centroids}``: distances (N, C); memory (D, rows) or (N, D, rows), ``centroids`` rows per class
* ``HammingSeen(x, memory, seen) {centroids}``: D + 1 for classes whose ``seen`` (N, C) is not above 0
* ``Majority(x)``, ``Parity(x)``: (N, D) of (N, D, B)

Rows differ in |x| + |w| - 2 x.w bits; the product is one of int8 by int8, which is exact.
"""

from __future__ import annotations

from onnx import AttributeProto, FunctionProto, NodeProto, TensorProto, helper

from quant.interchange.local_function import from_attribute, function

I8, I32, BOOL = TensorProto.INT8, TensorProto.INT32, TensorProto.BOOL
node = helper.make_node


def _ints(name: str, *values: int) -> NodeProto:
    return node("Constant", [], [name], value_ints=list(values))


def _distances(output: str) -> list[NodeProto]:
    count = from_attribute(node("Constant", [], ["count"]), "value_int", "centroids", AttributeProto.INT)
    return [
        _ints("first", 0),
        _ints("second", 1),
        _ints("last", -1),
        _ints("rows_axis", -2),
        node("Cast", ["x"], ["x8"], to=I8),
        node("Unsqueeze", ["x8", "second"], ["row"]),
        node("Cast", ["memory"], ["memory8"], to=I8),
        node("MatMulInteger", ["row", "memory8"], ["products"]),
        node("Squeeze", ["products", "second"], ["common"]),
        node("Cast", ["x"], ["x32"], to=I32),
        node("ReduceSum", ["x32", "last"], ["ones"], keepdims=1),
        node("Cast", ["memory"], ["memory32"], to=I32),
        node("ReduceSum", ["memory32", "rows_axis"], ["held"], keepdims=0),
        node("Add", ["ones", "held"], ["either"]),
        node("Add", ["common", "common"], ["twice"]),
        node("Sub", ["either", "twice"], ["rows"]),
        count,
        node("Unsqueeze", ["count", "first"], ["counts"]),
        _ints("leading", 0, -1),
        node("Concat", ["leading", "counts"], ["by_class"], axis=0),
        node("Reshape", ["rows", "by_class"], ["candidates"]),
        node("ReduceMin", ["candidates", "last"], [output], keepdims=0),
    ]


def _hamming() -> FunctionProto:
    return function("Hamming", ["x", "memory"], "y", ["centroids"], _distances("y"))


def _hamming_seen() -> FunctionProto:
    nodes = [
        *_distances("distances"),
        node("Shape", ["x"], ["bits"], start=1),
        node("Add", ["bits", "second"], ["beyond"]),
        node("Cast", ["beyond"], ["most"], to=I32),
        node("Cast", ["first"], ["zero"], to=I32),
        node("Greater", ["seen", "zero"], ["any"]),
        node("Where", ["any", "distances", "most"], ["y"]),
    ]
    return function("HammingSeen", ["x", "memory", "seen"], "y", ["centroids"], nodes)


def _counted() -> list[NodeProto]:
    return [
        _ints("axis", 2),
        node("Cast", ["x"], ["x32"], to=I32),
        node("ReduceSum", ["x32", "axis"], ["ones"], keepdims=0),
        _ints("two_wide", 2),
    ]


def _majority() -> FunctionProto:
    nodes = [
        *_counted(),
        node("Shape", ["x"], ["positions"], start=2),
        node("Div", ["positions", "two_wide"], ["half_wide"]),
        node("Cast", ["half_wide"], ["half"], to=I32),
        node("Greater", ["ones", "half"], ["y"]),
    ]
    return function("Majority", ["x"], "y", [], nodes)


def _parity() -> FunctionProto:
    nodes = [
        *_counted(),
        node("Cast", ["two_wide"], ["two"], to=I32),
        node("Mod", ["ones", "two"], ["odd"]),
        node("Cast", ["odd"], ["y"], to=BOOL),
    ]
    return function("Parity", ["x"], "y", [], nodes)


def bit_functions() -> list[FunctionProto]:
    """All functions on bits."""
    return [_hamming(), _hamming_seen(), _majority(), _parity()]
