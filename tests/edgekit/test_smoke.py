"""Seconds, not minutes: a small network through every machine. 'make check' runs this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.agreement import EmulatedBoard, compare, host_library, onnx_runtime
from edgekit.firmware import Firmware
from edgekit.samples import random_samples
from quant.interchange.read import read_model


def test_a_small_network_gives_the_same_bytes_everywhere(
    edgekit: Any, model: Path, firmware: Path, tmp_path: Path
) -> None:
    assert edgekit("build", model, "--board", "host", "--out", tmp_path / "host", "--quiet")[0] == 0
    graph, board = read_model(model), EmulatedBoard(Firmware.load(firmware))
    inputs = random_samples(8, {"shape": (1, 16), "dtype": "s8"})
    for machine in (onnx_runtime(model), host_library(tmp_path / "host"), board):
        agreement = compare(graph, "machine", machine, inputs)
        assert agreement.first is None
        assert agreement.samples == 8


def test_the_command_line_prices_it(edgekit: Any, firmware: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", random_samples(2, {"shape": (1, 16), "dtype": "s8"}))
    code, out, err = edgekit("emulate", firmware, "--input", tmp_path / "x.npy", "--json", "--quiet")
    assert (code, err) == (0, "")
    assert json.loads(out)["inferences"] == 2
