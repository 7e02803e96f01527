"""A user's own Brevitas network of bits, exported as QONNX, is read and means what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quant.interchange.read import read_model
from quant.ops import BinaryConv
from quant.reference import run

torch = pytest.importorskip("torch", reason="needs edgekit[train]")
pytest.importorskip("brevitas", reason="needs edgekit[train]")

from brevitas import nn as qnn  # noqa: E402
from brevitas.export import export_qonnx  # noqa: E402
from brevitas.quant import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst  # noqa: E402


def network() -> torch.nn.Module:  # type: ignore[name-defined]
    """A convolution with padding, batch normalization, a flat head."""
    act, weight = {"act_quant": SignedBinaryActPerTensorConst}, {"weight_quant": SignedBinaryWeightPerTensorConst}
    return torch.nn.Sequential(
        qnn.QuantIdentity(**act),
        qnn.QuantConv1d(3, 8, 3, padding=1, bias=False, **weight),
        torch.nn.BatchNorm1d(8),
        qnn.QuantIdentity(**act),
        torch.nn.Flatten(),
        qnn.QuantLinear(8 * 10, 4, bias=False, **weight),
    )


def test_brevitas_network_of_bits(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = network()
    x = torch.randn(64, 3, 10)
    model.train()
    model(x)  # statistics of the batch normalization
    with torch.no_grad():
        model[2].weight.uniform_(-1, 1)
    model.eval()
    export_qonnx(model, x[:1], export_path=str(tmp_path / "bits.onnx"), dynamo=False, opset_version=18)
    graph = read_model(tmp_path / "bits.onnx")
    assert [type(node.op) for node in graph.nodes[:2]] == [BinaryConv, BinaryConv]
    found = run(graph, {graph.inputs[0].name: (x >= 0).numpy()})[graph.outputs[0].name]
    with torch.no_grad():
        step = float(model[3](x).abs().max() * model[5].quant_weight().value.abs().max())
        np.testing.assert_allclose(found * step, model(x).numpy(), rtol=0, atol=1e-4)
