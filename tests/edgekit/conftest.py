"""Small models and a command line to try them with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.cli import main
from quant.graph import Graph
from quant.interchange.write import save, to_onnx
from quant.lowering import Lowering, Scale

Edgekit = Callable[..., tuple[int, str, str]]


@pytest.fixture
def edgekit(capsys: pytest.CaptureFixture[str]) -> Edgekit:
    """Runs one command; gives exit code, standard output and standard error."""

    def command(*words: object) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def small_graph(name: str = "small", channels: int = 4, length: int = 16) -> Graph:
    """Convolution, shortcut addition, dense: (1, length) -> (3,)."""
    rng = np.random.default_rng(7)
    lowering = Lowering(name, {"preprocess": {"offset": -2.0, "gain": 0.25}, "classes": ["a", "b", "c"]})
    x = lowering.input("input", (1, length), Scale(1 / 255))
    window: dict[str, Any] = {"strides": (1,), "dilations": (1,), "pads": (2, 0)}
    first = lowering.conv("first", x, rng.integers(-127, 128, (channels, 1, 3)), 0.01, None, Scale(1 / 64), **window)
    weight = rng.integers(-127, 128, (channels, channels, 3))
    second = lowering.conv("second", first, weight, 0.002, None, Scale(1 / 64), **window)
    total = lowering.add("sum", first, second, Scale(1 / 48))
    flat = lowering.reshape("flat", total, (channels * length,))
    bias = rng.integers(-1000, 1000, 3)
    weight = rng.integers(-127, 128, (3, channels * length))
    return lowering.finish(lowering.dense("scores", flat, weight, 0.001, bias, Scale(1 / 16, signed=True)))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model.onnx of the small network."""
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    save(to_onnx(small_graph()), path)
    return path


@pytest.fixture(scope="session")
def firmware(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network built for the STM32L475."""
    out = tmp_path_factory.mktemp("firmware") / "small"
    assert main(["build", str(model), "--board", "stm32l475", "--out", str(out), "--quiet"]) == 0
    return out
