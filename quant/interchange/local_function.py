"""How a model-local ONNX function is put together."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import AttributeProto, FunctionProto, NodeProto, helper

DOMAIN = "edgekit"
OPSET = 18


def from_attribute(node: NodeProto, name: str, source: str, kind: AttributeProto.AttributeType) -> NodeProto:
    """Let attribute ``name`` of ``node`` take the value of the function's attribute ``source``."""
    node.attribute.append(AttributeProto(name=name, ref_attr_name=source, type=kind))
    return node


def function(
    name: str, inputs: Sequence[str], output: str, attributes: Sequence[str], nodes: list[NodeProto]
) -> FunctionProto:
    """A function of EdgeKit's domain, of standard operators and other functions of that domain."""
    imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_function(DOMAIN, name, inputs, [output], nodes, imports, attributes=attributes)


def integer(value: str) -> NodeProto:
    """A constant int64 named and valued as the function's attribute ``value``."""
    return from_attribute(helper.make_node("Constant", [], [value]), "value_int", value, AttributeProto.INT)
