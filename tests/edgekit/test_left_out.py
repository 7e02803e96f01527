"""A machine that cannot run a model is named, on the screen and on the page, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.delivery import left_out
from edgekit.page.render import render
from quant.dtypes import DType
from quant.graph import GraphBuilder
from quant.interchange.write import save, to_onnx
from quant.ops import Project
from tests.edgekit.page.sample import sample


@pytest.mark.parametrize("rows", [1024, 1025])
def test_long_projections_leave_onnx_runtime_out(rows: int, tmp_path: Path) -> None:
    builder = GraphBuilder("projection")
    builder.output(builder.add("bits", Project(rows, 0), builder.input("x", (5,), DType.S16)))
    save(to_onnx(builder.build()), tmp_path / "model.onnx")
    found = left_out(tmp_path / "model.onnx")
    page = render(sample() | {"left_out": found})
    assert [entry["machine"] for entry in found] == ["ONNX Runtime"] * (rows > 1024)
    assert ("ONNX Runtime was left out: the matrix of" in page) == (rows > 1024)
