"""Comparing machines: all agree on a small network, and a planted difference is found where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.agreement import CHUNK, EmulatedBoard, Machine, Tensors, compare, host_library, onnx_runtime
from edgekit.cli import main
from edgekit.firmware import Firmware
from edgekit.samples import random_samples
from quant.graph import Graph
from quant.interchange.read import read_model
from quant.reference import run

COUNT = CHUNK + 5


@pytest.fixture(scope="module")
def graph(model: Path) -> Graph:
    return read_model(model)


def inputs(count: int = COUNT) -> np.ndarray:
    return random_samples(count, {"shape": (1, 16), "dtype": "s8"})


def test_onnx_runtime_and_the_host_library_agree(graph: Graph, model: Path, tmp_path: Path) -> None:
    assert main(["build", str(model), "--board", "host", "--out", str(tmp_path / "host"), "--quiet"]) == 0
    for machine, layers in ((onnx_runtime(model), 5), (host_library(tmp_path / "host"), 4)):
        agreement = compare(graph, "a machine", machine, inputs())
        assert (agreement.samples, agreement.different, agreement.first) == (COUNT, 0, None)
        assert agreement.layers == layers  # C has no layer for the reshape


def test_the_emulated_board_agrees(graph: Graph, firmware: Path) -> None:
    board = EmulatedBoard(Firmware.load(firmware))
    agreement = compare(graph, "board", board, inputs(4))
    assert (agreement.samples, agreement.layers, agreement.different) == (4, 4, 0)
    assert agreement.values == 4 * (3 * 4 * 16 + 3)
    assert board.last is not None
    assert board.last.instructions > 0


def faulty(graph: Graph, faults: dict[str, int]) -> Machine:
    """The reference with one wrong element per layer named, in the sample given."""

    def compute(x: np.ndarray) -> Tensors:
        tensors = {name: values.copy() for name, values in run(graph, {"input": x}).items()}
        for layer, sample in faults.items():
            if sample < len(x):
                tensors[layer][sample].flat[1] ^= 1
        return tensors

    return compute


def test_the_first_layer_that_differs_is_named(graph: Graph) -> None:
    agreement = compare(graph, "board", faulty(graph, {"scores": 0, "second": 2}), inputs(10))
    assert agreement.different == 2
    assert agreement.first is not None
    assert (agreement.first.layer, agreement.first.sample, agreement.first.index) == ("second", 2, (0, 1))
    assert abs(agreement.first.expected - agreement.first.found) == 1
    assert "layer 'second', sample 2, element (0, 1)" in str(agreement.first)


def test_samples_are_counted_over_all_chunks(graph: Graph) -> None:
    chunks = []

    def second_chunk_only(x: np.ndarray) -> Tensors:
        chunks.append(len(x))
        return faulty(graph, {"first": 3} if len(chunks) == 2 else {})(x)

    agreement = compare(graph, "board", second_chunk_only, inputs())
    assert chunks == [CHUNK, 5]
    assert agreement.first is not None
    assert agreement.first.sample == CHUNK + 3


def test_a_machine_must_give_every_layer(graph: Graph) -> None:
    def lazy(x: np.ndarray) -> Tensors:
        return {name: values for name, values in run(graph, {"input": x}).items() if name != "sum"}

    with pytest.raises(ValueError, match="no value for sum"):
        compare(graph, "board", lazy, inputs(1))
