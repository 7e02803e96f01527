"""Model-local ONNX functions that make bits, booleans in ONNX, of numbers.

* ``Binarize(x, threshold)``: x >= threshold, in int32
* ``Thermometer(x) {bits}``, ``Gray(x) {bits}``: words (N, n * bits, ...) of the levels of int16 x (N, n, ...)

The integer root of V < 2^62: a double holds V up to a factor 1 +- 2^-53, and so its square root, rounded once more, the
root up to 1 +- 2^-52. That is less than 2^-21 of a root below 2^31, so that rounding down misses floor(sqrt(V)) by at
most one to either side, and one step each way corrects it.
"""

from __future__ import annotations

from onnx import AttributeProto, FunctionProto, NodeProto, TensorProto, helper

from quant.interchange.local_function import from_attribute, function

I32, I64, DOUBLE, BOOL = TensorProto.INT32, TensorProto.INT64, TensorProto.DOUBLE, TensorProto.BOOL
node = helper.make_node


def _number(name: str, value: int) -> NodeProto:
    return node("Constant", [], [name], value_int=value)


def _axes(name: str, *values: int) -> NodeProto:
    return node("Constant", [], [name], value_ints=list(values))


def _binarize() -> FunctionProto:
    nodes = [node("Cast", ["x"], ["wide"], to=I32), node("GreaterOrEqual", ["wide", "threshold"], ["y"])]
    return function("Binarize", ["x", "threshold"], "y", [], nodes)


def _sizes() -> list[NodeProto]:
    """Numbers and shapes: ``places`` (bits, 1 ...) counts the bits of a word, ``one_each`` are the ones behind."""
    bits = from_attribute(node("Constant", [], ["bits"]), "value_int", "bits", AttributeProto.INT)
    return [
        bits,
        *(_number(name, value) for name, value in (("zero", 0), ("one", 1), ("two", 2))),
        _axes("values", 1),
        _axes("behind", 2),
        node("Sub", ["bits", "one"], ["less"]),
        node("Shape", ["x"], ["n"], start=1, end=2),
        node("Shape", ["x"], ["positions"], start=2),
        node("Div", ["positions", "positions"], ["one_each"]),
        _axes("all", -1),
        node("Concat", ["all", "one_each"], ["upright"], axis=0),
        node("Range", ["zero", "bits", "one"], ["counted"]),
        node("Reshape", ["counted", "upright"], ["places"]),
    ]


def _root() -> list[NodeProto]:
    """``off``: n x - S; ``r``: the root of n sum x^2 - S^2, 1 where that is 0."""
    return [
        node("Cast", ["x"], ["wide"], to=I64),
        node("ReduceSum", ["wide", "values"], ["total"], keepdims=1),
        node("Mul", ["wide", "wide"], ["squares"]),
        node("ReduceSum", ["squares", "values"], ["square_total"], keepdims=1),
        node("Mul", ["square_total", "n"], ["second"]),
        node("Mul", ["total", "total"], ["first"]),
        node("Sub", ["second", "first"], ["variance"]),
        node("Cast", ["variance"], ["real"], to=DOUBLE),
        node("Sqrt", ["real"], ["real_root"]),
        node("Cast", ["real_root"], ["near"], to=I64),
        node("Mul", ["near", "near"], ["near_square"]),
        node("Greater", ["near_square", "variance"], ["above"]),
        node("Cast", ["above"], ["down"], to=I64),
        node("Sub", ["near", "down"], ["low"]),
        node("Add", ["low", "one"], ["next"]),
        node("Mul", ["next", "next"], ["next_square"]),
        node("LessOrEqual", ["next_square", "variance"], ["reached"]),
        node("Cast", ["reached"], ["up"], to=I64),
        node("Add", ["low", "up"], ["root"]),
        node("Max", ["root", "one"], ["r"]),
        node("Mul", ["wide", "n"], ["scaled"]),
        node("Sub", ["scaled", "total"], ["off"]),
    ]


def _level(deviations: int) -> list[NodeProto]:
    """``level`` (N, n, 1, ...) of ``levels``, which span that many deviations."""
    return [
        _number("deviations", deviations),
        node("Mul", ["r", "deviations"], ["span"]),
        node("Sub", ["levels", "one"], ["last"]),
        node("Mul", ["span", "last"], ["middle"]),
        node("Mul", ["levels", "two"], ["slope"]),
        node("Mul", ["off", "slope"], ["risen"]),
        node("Add", ["risen", "middle"], ["reach"]),
        node("Max", ["reach", "zero"], ["positive"]),
        node("Mul", ["span", "two"], ["step"]),
        node("Div", ["positive", "step"], ["steps"]),
        node("Min", ["steps", "last"], ["clipped"]),
        node("Unsqueeze", ["clipped", "behind"], ["level"]),
    ]


def _joined() -> list[NodeProto]:
    """``y``: the bits of ``words`` (N, n, bits, ...), one word after the other."""
    return [
        _axes("leading", 0, -1),
        node("Concat", ["leading", "positions"], ["shape"], axis=0),
        node("Reshape", ["words", "shape"], ["y"]),
    ]


def _thermometer() -> FunctionProto:
    nodes = [
        *_sizes(),
        *_root(),
        node("Identity", ["bits"], ["levels"]),
        *_level(3),
        node("LessOrEqual", ["places", "level"], ["words"]),
        *_joined(),
    ]
    return function("Thermometer", ["x"], "y", ["bits"], nodes)


def _before(bit: str, output: str) -> list[NodeProto]:
    """Pairs whose first bit is below ``bit``: bit (2 bits - 1 - bit) / 2."""
    return [
        node("Sub", ["widest", bit], [f"{output}_factor"]),
        node("Mul", [bit, f"{output}_factor"], [f"{output}_twice"]),
        node("Div", [f"{output}_twice", "two"], [output]),
    ]


def _gray() -> FunctionProto:
    """Flips of every bit: see :meth:`quant.ops.level_encode.LevelEncode.words`."""
    nodes = [
        *_sizes(),
        *_root(),
        node("Mul", ["bits", "less"], ["ordered"]),
        node("Div", ["ordered", "two"], ["levels"]),
        *_level(1),
        node("Add", ["bits", "less"], ["widest"]),
        node("Range", ["one", "less", "one"], ["later"]),
        node("Reshape", ["later", "upright"], ["rows"]),
        *_before("rows", "starts"),
        node("LessOrEqual", ["starts", "level"], ["begun"]),
        node("Cast", ["begun"], ["begun_ones"], to=I64),
        node("ReduceSum", ["begun_ones", "behind"], ["row"], keepdims=1),
        *_before("row", "start"),
        node("Sub", ["level", "start"], ["several"]),
        node("Add", ["row", "several"], ["end"]),
        node("Less", ["places", "row"], ["below"]),
        node("Equal", ["places", "row"], ["at"]),
        node("Greater", ["places", "row"], ["beyond"]),
        node("LessOrEqual", ["places", "end"], ["up_to"]),
        node("And", ["beyond", "up_to"], ["once"]),
        node("Cast", ["once"], ["once_more"], to=I64),
        node("Add", ["row", "once_more"], ["usual"]),
        node("Where", ["at", "end", "usual"], ["from_row"]),
        node("Where", ["below", "less", "from_row"], ["flips"]),
        node("Mod", ["flips", "two"], ["odd"]),
        node("Cast", ["odd"], ["words"], to=BOOL),
        *_joined(),
    ]
    return function("Gray", ["x"], "y", ["bits"], nodes)


def encoder_functions() -> list[FunctionProto]:
    """All functions that encode."""
    return [_binarize(), _thermometer(), _gray()]
