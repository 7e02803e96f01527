"""``edgekit export``: a model of bits for other tools, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.cli import main
from quant.interchange.read import read_model
from quant.interchange.write import save, to_onnx
from quant.ops import BinaryDense
from tests.quant.binary_models import binary_graph
from tests.quant.interchange.test_qonnx import binary_network


def test_written_and_read_back(tmp_path: Path) -> None:
    graph = binary_network(0)
    save(to_onnx(graph), tmp_path / "model.onnx")
    out = tmp_path / "bits.onnx"
    assert main(["export", str(tmp_path / "model.onnx"), "--out", str(out), "--quiet"]) == 0
    assert [node.name for node in read_model(out).nodes] == [node.name for node in graph.nodes]
    assert main(["build", str(out), "--board", "host", "--out", str(tmp_path / "host"), "--quiet"]) == 0


def test_layers_without_such_a_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = binary_graph(0)
    assert isinstance(graph.nodes[0].op, BinaryDense)
    save(to_onnx(graph), tmp_path / "model.onnx")
    assert main(["export", str(tmp_path / "model.onnx"), "--out", str(tmp_path / "bits.onnx")]) == 2
    assert "its sums are requantized" in capsys.readouterr().err and not (tmp_path / "bits.onnx").exists()
