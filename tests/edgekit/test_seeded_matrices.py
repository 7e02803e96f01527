"""ONNX Runtime takes part in comparisons as long as a seeded matrix can be written out for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.agreement import compare
from edgekit.pipeline import runtime_machines
from edgekit.screen import Screen
from quant.dtypes import DType
from quant.graph import Graph, GraphBuilder
from quant.interchange.write import save, to_onnx
from quant.ops import Project


def projection(dimension: int) -> Graph:
    builder = GraphBuilder("projection")
    x = builder.input("x", (20, 2), DType.S16)
    builder.output(builder.add("bits", Project(dimension, 1, "sparse", 3), x))
    return builder.build()


@pytest.mark.parametrize(("dimension", "machines"), [(1024, 1), (1025, 0)])
def test_large_matrices_leave_it_out(
    dimension: int, machines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph, path = projection(dimension), tmp_path / "model.onnx"
    save(to_onnx(graph), path)
    inputs = np.random.default_rng(0).integers(-(2**15), 2**15, (3, 20, 2)).astype(np.int16)
    found = runtime_machines(path, inputs, Screen())
    assert len(found) == machines
    for name, machine, given in found:
        assert compare(graph, name, machine, given).different == 0
    text = "left out: the matrix of 'bits' has 1,025 rows; it is written out up to 1,024"
    assert (text in " ".join(capsys.readouterr().err.split())) == (machines == 0)
