"""Model-local ONNX functions on class memories: counters (N, D, C) or (N, C), the class is the last axis.

* ``Accumulate(memory, value, label) {zero_point, lo, hi}``: clip(memory + value - zero_point, lo, hi) where the class
  is ``label``; value (N, D)
* ``AccumulateBits(memory, value, label) {lo, hi}``: the same with -1 and 1 for the bits of the value
* ``Count(memory, label) {hi}``: min(memory + 1, hi) where the class is ``label``
* ``Erase(memory, label) {zero_point}``: zero_point where the class is ``label``
* ``CounterMajority(counters, ties) {zero_point, seed}``: counters > zero_point, ties where they are equal
"""

from __future__ import annotations

from collections.abc import Sequence

from onnx import FunctionProto, NodeProto, TensorProto, helper

from quant.interchange.local_function import function, integer

I64 = TensorProto.INT64
node = helper.make_node


def _hits() -> list[NodeProto]:
    """``hit`` (N, C): whether the class, the last axis of ``memory``, is ``label``; ``wide``: the memory as int64."""
    return [
        node("Constant", [], ["none"], value_int=0),
        node("Constant", [], ["one"], value_int=1),
        node("Constant", [], ["last"], value_int=-1),
        node("Shape", ["memory"], ["shape"]),
        node("Gather", ["shape", "last"], ["classes"], axis=0),
        node("Range", ["none", "classes", "one"], ["numbers"]),
        node("Cast", ["label"], ["wide_label"], to=I64),
        node("Equal", ["wide_label", "numbers"], ["hit"]),
        node("Cast", ["memory"], ["wide"], to=I64),
    ]


def _accumulate(name: str, attributes: Sequence[str], step: list[NodeProto]) -> FunctionProto:
    """``step``: nodes that compute the int64 ``step`` (N, D) from ``value``."""
    nodes = [
        *_hits(),
        *step,
        *(integer(limit) for limit in ("lo", "hi")),
        node("Constant", [], ["channels"], value_ints=[1]),
        node("Constant", [], ["behind"], value_ints=[2]),
        node("Unsqueeze", ["step", "behind"], ["column"]),
        node("Unsqueeze", ["hit", "channels"], ["row"]),
        node("Add", ["wide", "column"], ["moved"]),
        node("Clip", ["moved", "lo", "hi"], ["clipped"]),
        node("Where", ["row", "clipped", "wide"], ["chosen"]),
        node("CastLike", ["chosen", "memory"], ["y"]),
    ]
    return function(name, ["memory", "value", "label"], "y", attributes, nodes)


def _accumulate_values() -> FunctionProto:
    step = [
        integer("zero_point"),
        node("Cast", ["value"], ["wide_value"], to=I64),
        node("Sub", ["wide_value", "zero_point"], ["step"]),
    ]
    return _accumulate("Accumulate", ["zero_point", "lo", "hi"], step)


def _accumulate_bits() -> FunctionProto:
    """``Where`` takes a condition, and so no value but bits."""
    step = [node("Neg", ["one"], ["minus_one"]), node("Where", ["value", "one", "minus_one"], ["step"])]
    return _accumulate("AccumulateBits", ["lo", "hi"], step)


def _count() -> FunctionProto:
    nodes = [
        *_hits(),
        integer("hi"),
        node("Add", ["wide", "one"], ["more"]),
        node("Min", ["more", "hi"], ["held"]),
        node("Where", ["hit", "held", "wide"], ["chosen"]),
        node("CastLike", ["chosen", "memory"], ["y"]),
    ]
    return function("Count", ["memory", "label"], "y", ["hi"], nodes)


def _erase() -> FunctionProto:
    """Of any rank: as (N, rows, C)."""
    nodes = [
        *_hits(),
        integer("zero_point"),
        node("Constant", [], ["rows"], value_ints=[0, -1]),
        node("Constant", [], ["channels"], value_ints=[1]),
        node("Constant", [], ["front"], value_ints=[0]),
        node("Unsqueeze", ["classes", "front"], ["columns"]),
        node("Concat", ["rows", "columns"], ["flat_shape"], axis=0),
        node("Reshape", ["wide", "flat_shape"], ["flat"]),
        node("Unsqueeze", ["hit", "channels"], ["row"]),
        node("Where", ["row", "zero_point", "flat"], ["chosen"]),
        node("Reshape", ["chosen", "shape"], ["back"]),
        node("CastLike", ["back", "memory"], ["y"]),
    ]
    return function("Erase", ["memory", "label"], "y", ["zero_point"], nodes)


def _majority() -> FunctionProto:
    nodes = [
        integer("zero_point"),
        node("Cast", ["counters"], ["wide"], to=I64),
        node("Greater", ["wide", "zero_point"], ["above"]),
        node("Equal", ["wide", "zero_point"], ["equal"]),
        node("And", ["equal", "ties"], ["tied"]),
        node("Or", ["above", "tied"], ["y"]),
    ]
    return function("CounterMajority", ["counters", "ties"], "y", ["zero_point", "seed"], nodes)


def memory_functions() -> list[FunctionProto]:
    """All of them; none needs another."""
    return [_accumulate_values(), _accumulate_bits(), _count(), _erase(), _majority()]
