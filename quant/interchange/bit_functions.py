"""Model-local ONNX functions on bits, which ONNX holds as booleans (N, D) or (N, D, positions).

* ``Hamming(x, memory) {centroids}``: distances (N, C); memory (D, rows) or (N, D, rows), ``centroids`` rows per class
* ``HammingSeen(x, memory, seen) {centroids}``: D + 1 for classes whose ``seen`` (N, C) is not above 0
* ``BindSeed(x) {seed}``: XOR with the bits of SplitMix64 (:mod:`quant.splitmix`); each position's begin with a word
* ``Majority(x)``, ``Parity(x)``: (N, D) of (N, D, B)

Rows differ in |x| + |w| - 2 x.w bits; the product is one of int8 by int8, which is exact.
"""

from __future__ import annotations

from onnx import AttributeProto, FunctionProto, NodeProto, TensorProto, helper

from quant import splitmix
from quant.interchange.local_function import from_attribute, function

I8, I32, I64, U64 = TensorProto.INT8, TensorProto.INT32, TensorProto.INT64, TensorProto.UINT64
BOOL = TensorProto.BOOL
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


def _splitmix() -> list[NodeProto]:
    """``mixed``: words 0 to ``count`` - 1 of ``seed``; products wrap in int64, shifts are those of uint64."""

    def constant(value: int) -> int:
        return value - (1 << 64 if value >> 63 else 0)

    nodes = [
        from_attribute(node("Constant", [], ["start"]), "value_int", "seed", AttributeProto.INT),
        node("Constant", [], ["none"], value_int=0),
        node("Constant", [], ["one"], value_int=1),
        node("Constant", [], ["gamma"], value_int=constant(splitmix.GAMMA)),
        node("Range", ["none", "count", "one"], ["index"]),
        node("Add", ["index", "one"], ["behind"]),
        node("Mul", ["behind", "gamma"], ["steps"]),
        node("Add", ["steps", "start"], ["counter"]),
        node("Cast", ["counter"], ["z0"], to=U64),
    ]
    for i, shift in enumerate(splitmix.SHIFTS):
        shifted = helper.make_tensor(f"places{i}", U64, [], [shift])
        nodes += [
            node("Constant", [], [f"places{i}"], value=shifted),
            node("BitShift", [f"z{i}", f"places{i}"], [f"upper{i}"], direction="RIGHT"),
            node("BitwiseXor", [f"z{i}", f"upper{i}"], [f"folded{i}"]),
        ]
        if i < len(splitmix.MULTIPLIERS):
            nodes += [
                node("Constant", [], [f"factor{i}"], value_int=constant(splitmix.MULTIPLIERS[i])),
                node("Cast", [f"folded{i}"], [f"signed{i}"], to=I64),
                node("Mul", [f"signed{i}", f"factor{i}"], [f"product{i}"]),
                node("Cast", [f"product{i}"], [f"z{i + 1}"], to=U64),
            ]
    return [*nodes, node("Identity", [f"folded{len(splitmix.SHIFTS) - 1}"], ["mixed"])]


def _bind_seed() -> FunctionProto:
    nodes = [
        node("Shape", ["x"], ["shape"], start=1),
        node("Shape", ["x"], ["length"], start=1, end=2),
        node("ReduceProd", ["shape"], ["elements"], keepdims=0),
        node("ReduceProd", ["length"], ["channels"], keepdims=0),
        node("Div", ["elements", "channels"], ["positions"]),
        node("Constant", [], ["width"], value_int=64),
        node("Constant", [], ["less"], value_int=63),
        node("Add", ["channels", "less"], ["filled"]),
        node("Div", ["filled", "width"], ["row"]),
        node("Mul", ["row", "positions"], ["count"]),
        *_splitmix(),
        _ints("last", -1),
        node("Unsqueeze", ["mixed", "last"], ["column"]),
        node("Range", ["none", "width", "one"], ["bits"]),
        node("Cast", ["bits"], ["bits_u"], to=U64),
        node("BitShift", ["column", "bits_u"], ["moved"], direction="RIGHT"),
        node("Constant", [], ["lowest"], value=helper.make_tensor("lowest", U64, [], [1])),
        node("BitwiseAnd", ["moved", "lowest"], ["bit"]),
        node("Cast", ["bit"], ["drawn"], to=BOOL),
        node("Unsqueeze", ["positions", "first"], ["rows"]),
        node("Concat", ["rows", "last"], ["by_row"], axis=0),
        node("Reshape", ["drawn", "by_row"], ["table"]),
        node("Slice", ["table", "first", "length", "second"], ["cut"]),
        node("Transpose", ["cut"], ["channel_first"], perm=[1, 0]),
        node("Reshape", ["channel_first", "shape"], ["key"]),
        node("Xor", ["x", "key"], ["y"]),
    ]
    return function("BindSeed", ["x"], "y", ["seed"], [_ints("first", 0), _ints("second", 1), *nodes])


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
    return [_hamming(), _hamming_seen(), _majority(), _parity(), _bind_seed()]
