"""Projections with their matrices written out, so that ONNX Runtime can execute a model that holds seeds only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from quant.errors import Unsupported
from quant.interchange.local_function import DOMAIN
from quant.interchange.model import Model
from quant.interchange.view import NodeView
from quant.ops.base import require
from quant.ops.project import Project

LARGEST = 1024  # rows of a matrix that is written out


def expanded(model: ModelProto) -> ModelProto:
    """The same model of standard operators only; ``model`` itself where it holds no projection.

    Raises:
        Unsupported: a projection has more than 1,024 rows, so that its matrix would take many megabytes, or the model
            does not say how many values it projects.
    """
    if not any(_projects(node) for node in model.graph.node):
        return model
    views = {view.output: view for view in Model(model).nodes}
    shapes = _shapes(model.graph)
    full = ModelProto()
    full.CopyFrom(model)
    del full.graph.node[:]
    for node in model.graph.node:
        if _projects(node):
            name = node.input[0]
            require(name in shapes, f"the shape of '{name}' is not stated", fix="run onnx shape inference first")
            _write_out(full.graph, views[node.output[0]], shapes[name])
        else:
            full.graph.node.append(node)
    return full


def not_expandable(model: ModelProto) -> str | None:
    """Why :func:`expanded` refuses a model; None where it does not."""
    try:
        expanded(model)
    except Unsupported as fault:
        return fault.what
    return None


def _projects(node: NodeProto) -> bool:
    return (node.domain, node.op_type) == (DOMAIN, "Project")


def _shapes(graph: GraphProto) -> dict[str, list[int]]:
    infos = (*graph.input, *graph.value_info, *graph.output)
    return {info.name: [d.dim_value for d in info.type.tensor_type.shape.dim] for info in infos}


def _write_out(graph: GraphProto, view: NodeView, shape: list[int]) -> None:
    """``y`` = [matrix x >= 0] with a matrix (B, D, n) per position and x as columns (N, B, n, 1), sums in int32."""
    op = Project.read(view).op
    assert isinstance(op, Project)
    what = f"the matrix of '{view.name}' has {op.dimension:,} rows; it is written out up to {LARGEST:,}"
    require(op.dimension <= LARGEST, what)
    _, n, *spatial = shape
    count = spatial[0] if spatial else 1
    rows = op.rows(n, 0, count * op.dimension).reshape(count, op.dimension, n)
    x, y, name = view.inputs[0], view.output, view.name

    def add(op_type: str, inputs: list[str], output: str, **attributes: Any) -> str:
        graph.node.append(helper.make_node(op_type, inputs, [output], name=f"{name}/{output}", **attributes))
        return output

    def constant(label: str, values: NDArray | np.generic) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(values), f"{y}.{label}"))
        return f"{y}.{label}"

    wide = add("Cast", [x], f"{y}.wide", to=TensorProto.INT32)
    by_position = constant("by_position", np.array([0, n, count], np.int64))
    flat = add("Reshape", [wide, by_position], f"{y}.flat")
    turned = add("Transpose", [flat], f"{y}.turned", perm=[0, 2, 1])
    columns = add("Unsqueeze", [turned, constant("last", np.array([3], np.int64))], f"{y}.columns")
    matrix = add("Cast", [constant("matrix", rows)], f"{y}.matrix32", to=TensorProto.INT32)
    sums = add("MatMul", [matrix, columns], f"{y}.sums")
    squeezed = add("Squeeze", [sums, f"{y}.last"], f"{y}.rows")
    back = add("Transpose", [squeezed], f"{y}.back", perm=[0, 2, 1])
    shaped = add("Reshape", [back, constant("shape", np.array([0, op.dimension, *spatial], np.int64))], f"{y}.shaped")
    add("GreaterOrEqual", [shaped, constant("zero", np.int32(0))], y)
