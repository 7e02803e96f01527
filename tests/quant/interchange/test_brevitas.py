"""A user's own Brevitas network, exported as Brevitas does it, is read and means what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from quant.graph import Graph
from quant.interchange.read import read_model
from quant.ops import Conv
from quant.reference import run
from tests.quant.interchange.qdq import evaluate

torch = pytest.importorskip("torch", reason="needs edgekit[train]")
pytest.importorskip("brevitas", reason="needs edgekit[train]")
pytest.importorskip("onnxoptimizer", reason="Brevitas' exporter needs onnxoptimizer")

from brevitas import nn as qnn  # noqa: E402
from brevitas.export import export_onnx_qcdq  # noqa: E402
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Int32Bias  # noqa: E402


class UserNetwork(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Padding by F.pad, ReLU inside the quantizer, max pooling, a 4-bit layer, residual sum, tanh, a flat head."""

    def __init__(self) -> None:
        super().__init__()
        per_channel = {"weight_quant": Int8WeightPerChannelFloat, "bias_quant": Int32Bias}
        self.input = qnn.QuantIdentity(return_quant_tensor=True)
        self.stem = qnn.QuantConv2d(2, 6, (1, 4), bias=True, **per_channel)
        self.act = qnn.QuantReLU(return_quant_tensor=True)
        self.depthwise = qnn.QuantConv2d(6, 6, 3, padding=1, groups=6, bias=False, weight_bit_width=4)
        self.narrow = qnn.QuantReLU(bit_width=6, return_quant_tensor=True)
        self.sum = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, return_quant_tensor=True)
        self.tanh = qnn.QuantTanh(return_quant_tensor=True)
        self.head = qnn.QuantLinear(6 * 3 * 5, 3, bias=True, bias_quant=Int32Bias, return_quant_tensor=True)
        self.output = qnn.QuantIdentity(return_quant_tensor=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined]
        x = self.input(x)
        x = self.act(self.stem(torch.nn.functional.pad(x, (2, 1, 0, 0))))
        y = self.narrow(self.depthwise(x))
        x = self.sum(x.value + y.value)
        x = self.tanh(torch.nn.functional.max_pool2d(x.value, 2))
        return self.output(self.head(x.flatten(1))).value


def exported(path: Path) -> Graph:
    """The file that Brevitas writes, outputs that describe scales included, and the graph read from it."""
    torch.manual_seed(0)
    model = UserNetwork()
    samples = torch.randn(64, 2, 6, 11)
    model.train()
    model(samples)  # activation scales are learned from the first batches
    model.eval()
    export_onnx_qcdq(model, samples[:1], export_path=str(path), dynamo=False, opset_version=18)
    return read_model(path)


def test_import_equals_float64_evaluation(tmp_path: Path) -> None:
    graph = exported(tmp_path / "user.onnx")
    (x,), (y,) = graph.inputs, graph.outputs
    assert x.scale is not None and y.scale is not None
    assert [n.op.kind for n in graph.nodes] == ["conv", "conv", "add", "max_pool", "table", "reshape", "dense"]
    stem = graph.nodes[0]
    assert stem.name == "stem" and isinstance(stem.op, Conv) and stem.op.pads == (0, 2, 0, 1)
    model = onnx.load(tmp_path / "user.onnx")
    q = np.random.default_rng(0).integers(-128, 128, (12, *x.shape))
    values = evaluate(model, (q - x.zero_point) * x.scale)
    found = (run(graph, {x.name: q})[y.name].astype(float) - y.zero_point) * y.scale
    np.testing.assert_array_equal(found, values[model.graph.output[0].name])
