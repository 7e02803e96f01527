"""Models from ONNX Runtime's own quantizer are read, and mean what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from quant.interchange.read import read_model
from quant.reference import run
from tests.quant.interchange.qdq import evaluate

SHAPE = (3, 8, 8)


class Samples(CalibrationDataReader):
    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.rows: Iterator[NDArray] = iter(rng.normal(0, 1, (20, 1, *SHAPE)).astype(np.float32))

    def get_next(self) -> dict[str, NDArray] | None:
        row = next(self.rows, None)
        return None if row is None else {"x": row}


def float_model() -> ModelProto:
    """Convolution, max pooling, depthwise and pointwise convolution, residual addition, global pooling, dense."""
    rng, node = np.random.default_rng(0), helper.make_node
    shapes = {"w0": (8, 3, 3, 3), "w1": (8, 1, 3, 3), "w2": (8, 8, 1, 1), "w3": (5, 8)}
    weights = [numpy_helper.from_array(rng.normal(0, 0.3, s).astype(np.float32), n) for n, s in shapes.items()]
    biases = [
        numpy_helper.from_array(rng.normal(0, 0.3, shapes[f"w{i}"][0]).astype(np.float32), f"b{i}") for i in range(4)
    ]
    nodes = [
        node("Conv", ["x", "w0", "b0"], ["stem"], name="stem", pads=[1, 1, 1, 1]),
        node("Relu", ["stem"], ["stem_relu"], name="stem_relu"),
        node("MaxPool", ["stem_relu"], ["largest"], name="largest", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["largest", "w1", "b1"], ["depthwise"], name="depthwise", pads=[1, 1, 1, 1], group=8),
        node("Relu", ["depthwise"], ["depthwise_relu"], name="depthwise_relu"),
        node("Conv", ["depthwise_relu", "w2", "b2"], ["pointwise"], name="pointwise"),
        node("Add", ["pointwise", "largest"], ["sum"], name="sum"),
        node("Relu", ["sum"], ["sum_relu"], name="sum_relu"),
        node("GlobalAveragePool", ["sum_relu"], ["mean"], name="mean"),
        node("Flatten", ["mean"], ["flat"], name="flat"),
        node("Gemm", ["flat", "w3", "b3"], ["y"], name="scores", transB=1),
    ]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, *SHAPE]), ("y", [1, 5])))
    graph = helper.make_graph(nodes, "net", [x], [y], [*weights, *biases])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize(
    ("kind", "symmetric"), [(QuantType.QUInt8, False), (QuantType.QInt8, True), (QuantType.QInt8, False)]
)
def test_import_equals_float64_evaluation(kind: QuantType, symmetric: bool, per_channel: bool, tmp_path: Path) -> None:
    onnx.save(float_model(), tmp_path / "float.onnx")
    quantize_static(
        tmp_path / "float.onnx",
        tmp_path / "qdq.onnx",
        Samples(),
        quant_format=QuantFormat.QDQ,
        per_channel=per_channel,
        weight_type=QuantType.QInt8,
        activation_type=kind,
        extra_options={"WeightSymmetric": True, "ActivationSymmetric": symmetric},
    )
    graph = read_model(tmp_path / "qdq.onnx")
    assert {"stem", "largest", "depthwise", "pointwise", "sum", "mean", "flat", "scores"} <= {
        n.name for n in graph.nodes
    }
    (x,), (y,) = graph.inputs, graph.outputs
    assert x.scale is not None and y.scale is not None
    q = np.random.default_rng(2).integers(-128, 128, (20, *SHAPE))
    expected = evaluate(onnx.load(tmp_path / "qdq.onnx"), (q - x.zero_point) * x.scale)["y"]
    found = (run(graph, {"x": q})[y.name].astype(float) - y.zero_point) * y.scale
    assert len(np.unique(found)) > 20
    np.testing.assert_array_equal(found, expected)
