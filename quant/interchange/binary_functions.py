"""Model-local ONNX functions of layers on bits, which ONNX holds as booleans; weights are int8, +1 and -1.

* ``BinaryMatMul(x, w)``: int32 sums (N, out) of x (N, n) and w (n, out)
* ``BinaryConv(x, w) {kernel_shape, strides, dilations, pads}``: int32 sums; padding is worth 0
"""

from __future__ import annotations

from onnx import AttributeProto, FunctionProto, NodeProto, TensorProto, helper

from quant.interchange.local_function import from_attribute, function

I8, I32 = TensorProto.INT8, TensorProto.INT32
WINDOW = ("kernel_shape", "strides", "dilations", "pads")


def _signs() -> list[NodeProto]:
    """``s``, int8: 2 x - 1."""
    node = helper.make_node
    return [
        node("Constant", [], ["one"], value=helper.make_tensor("one", I32, [], [1])),
        node("Cast", ["x"], ["wide"], to=I32),
        node("Add", ["wide", "wide"], ["twice"]),
        node("Sub", ["twice", "one"], ["sign"]),
        node("Cast", ["sign"], ["s"], to=I8),
    ]


def binary_functions() -> list[FunctionProto]:
    """Both functions."""
    conv = helper.make_node("ConvInteger", ["s", "w"], ["sum"])
    for name in WINDOW:
        from_attribute(conv, name, name, AttributeProto.INTS)
    product = helper.make_node("MatMulInteger", ["s", "w"], ["sum"])
    return [
        function("BinaryMatMul", ["x", "w"], "sum", [], [*_signs(), product]),
        function("BinaryConv", ["x", "w"], "sum", WINDOW, [*_signs(), conv]),
    ]
