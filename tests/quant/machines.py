"""Running one graph on every machine of this room; all must give the same bytes on every tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from quant.graph import Graph, GraphBuilder, Tensor
from quant.interchange.expand import expanded
from quant.interchange.write import to_onnx
from quant.ops import Op
from quant.reference import run
from tests.quant import plain
from tests.quant.strategies import inputs_of


def onnx_runtime(model: ModelProto, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Every output of ``model``, by name, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        expanded(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, dict(inputs)), strict=True))


def agree(graph: Graph, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """All tensors by the NumPy reference, after checking that ONNX Runtime gives the same."""
    model = to_onnx(graph, batch=len(next(iter(inputs.values()))), all_tensors=True)
    onnx.checker.check_model(model, full_check=True)
    reference = run(graph, inputs)
    found = onnx_runtime(model, inputs)
    assert {node.output for node in graph.nodes} <= set(found)
    for name, value in found.items():
        assert value.dtype == reference[name].dtype, name
        np.testing.assert_array_equal(value, reference[name], err_msg=name)
    return reference


def graph_of(op: Op, *inputs: Tensor) -> Graph:
    """A graph of that one operator, called ``y``."""
    builder = GraphBuilder("one")
    for x in inputs:
        builder.input(x.name, x.shape, x.dtype, x.zero_point, x.scale)
    builder.output(builder.add("y", op, *(x.name for x in inputs)))
    return builder.build()


def check_op(op: Op, *inputs: Tensor, values: Mapping[str, NDArray] | None = None) -> NDArray:
    """Reference, ONNX Runtime and plain Python agree on ``op``; returns its output (N, *shape)."""
    graph = graph_of(op, *inputs)
    given = inputs_of(graph) if values is None else values
    result = agree(graph, given)["y"]
    assert result.shape[1:] == graph.tensors["y"].shape
    expected = plain.evaluate(op, [given[x.name].astype(np.int64) for x in inputs], list(inputs))
    assert result.reshape(len(result), -1).tolist() == expected
    return result
