"""build and emulate on the command line: what they print, and that nothing half-written stays behind a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.build import BUILD_FILE
from edgekit.samples import quantize
from quant.interchange.read import read_model
from quant.interchange.write import save, to_onnx
from quant.lowering import Lowering, Scale
from quant.reference import run


def test_build_says_whether_it_fits(edgekit: Any, model: Path, tmp_path: Path) -> None:
    code, out, err = edgekit("build", model, "--board", "stm32l475", "--out", tmp_path / "fw")
    assert code == 0
    assert "fits stm32l475: flash" in out
    assert "of 131,072 bytes" in out
    assert "worst-case stack" in out
    assert all(len(line) <= 100 for line in out.splitlines())
    assert "firmware" in err
    sizes = json.loads((tmp_path / "fw" / BUILD_FILE).read_text())["bytes"]
    assert f"arena {sizes['arena']:,} bytes" in out
    assert " MACs in the network; " in out and " executed; " in out
    assert (tmp_path / "fw" / "firmware.bin").stat().st_size == sizes["flash"]


def test_build_as_json(edgekit: Any, model: Path, tmp_path: Path) -> None:
    code, out, err = edgekit("build", model, "--board", "host", "--out", tmp_path / "host", "--json", "--quiet")
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert facts["board"] == "host"
    assert [layer["name"] for layer in facts["layers"]] == ["first", "second", "sum", "scores"]


def big(path: Path, **sizes: int) -> Path:
    """A dense layer of ``weights`` x 500 or a convolution whose output has ``positions`` x 64 elements.

    Two layers read that output, so that it has to be stored.
    """
    rng, lowering = np.random.default_rng(0), Lowering("big")
    if weights := sizes.get("weights"):
        x = lowering.input("input", (weights,), Scale(1 / 255))
        y = lowering.dense("huge", x, rng.integers(-127, 128, (500, weights)), 0.001, None, Scale(1 / 16, signed=True))
    else:
        x = lowering.input("input", (1, sizes["positions"]), Scale(1 / 255))
        window: dict[str, Any] = {"strides": (1,), "dilations": (1,), "pads": (0, 0)}
        wide = lowering.conv("wide", x, rng.integers(-127, 128, (64, 1, 1)), 0.01, None, Scale(1 / 64), **window)
        narrow, other = (
            lowering.conv(name, wide, rng.integers(-127, 128, (1, 64, 1)), 0.001, None, Scale(1 / 64), **window)
            for name in ("narrow", "other")
        )
        y = lowering.add("sum", narrow, other, Scale(1 / 64))
    save(to_onnx(lowering.finish(y)), path)
    return path


@pytest.mark.parametrize(
    ("sizes", "layer", "memory"),
    [
        ({"weights": 2200}, "huge", "1048576 bytes of flash"),
        ({"positions": 2000}, "wide|narrow|other", "98304 bytes of RAM"),
    ],
)
def test_what_does_not_fit_names_layer_and_shortfall(
    edgekit: Any, tmp_path: Path, sizes: dict[str, int], layer: str, memory: str
) -> None:
    model = big(tmp_path / "big.onnx", **sizes)
    code, out, err = edgekit("build", model, "--board", "stm32l475", "--out", tmp_path / "fw")
    assert (code, out) == (2, "")
    assert any(f"'{name}'" in err for name in layer.split("|"))
    assert memory in err
    assert "too many" in err
    assert [path.name for path in tmp_path.iterdir()] == ["big.onnx"]


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "there is no such file"), (b"hello", "not an ONNX model"), (b"", "no ONNX graph"), ("half", "cut off")],
)
def test_unusable_model_files(
    edgekit: Any, model: Path, tmp_path: Path, content: bytes | str | None, told: str
) -> None:
    path = tmp_path / "bad.onnx"
    if content is not None:
        whole = model.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    before = sorted(tmp_path.iterdir())
    code, out, err = edgekit("build", path, "--board", "stm32l475", "--out", tmp_path / "fw")
    assert (code, out) == (2, "")
    assert str(path) in err
    assert told in err
    assert sorted(tmp_path.iterdir()) == before


def test_unknown_compiler_suggests_the_nearest(edgekit: Any, model: Path, tmp_path: Path) -> None:
    words = ("build", model, "--board", "stm32l475", "--out", tmp_path / "fw", "--compiler", "zigg")
    code, _, err = edgekit(*words)
    assert code == 2
    assert "did you mean 'zig'?" in err
    assert list(tmp_path.iterdir()) == []


def test_a_used_folder_is_refused_and_force_keeps_foreign_files(edgekit: Any, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "fw"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    command = ("build", model, "--board", "host", "--out", out)
    code, _, err = edgekit(*command)
    assert code == 2
    assert "--force" in err
    assert [path.name for path in out.iterdir()] == ["notes.txt"]
    assert edgekit(*command, "--force")[0] == 0
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / BUILD_FILE).exists()


def test_emulate_prices_layers_and_gives_the_references_outputs(
    edgekit: Any, model: Path, firmware: Path, tmp_path: Path
) -> None:
    raw = np.random.default_rng(3).normal(0, 1, (3, 1, 16)).astype(np.float32)
    np.save(tmp_path / "x.npy", raw)
    words = ("emulate", firmware, "--input", tmp_path / "x.npy", "--save", tmp_path / "y.npy")
    code, out, _ = edgekit(*words, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["selftest_passed"]
    assert result["instructions"] == sum(layer["instructions"] for layer in result["layers"])
    assert result["cycles"] == sum(layer["cycles"] for layer in result["layers"])
    assert result["latency_ms"] == pytest.approx(result["cycles"] / 80e3) == result["cost"]["latency_ms"]
    graph = read_model(model)
    facts = json.loads((firmware / BUILD_FILE).read_text())
    expected = run(graph, {"input": quantize(raw, facts["inputs"][0], graph.info)})["scores"]
    assert np.array_equal(result["outputs"], expected)
    assert np.array_equal(np.load(tmp_path / "y.npy"), expected)
    code, out, _ = edgekit(*words)
    assert code == 0
    assert f"output 2: {expected[2].tolist()}" in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_emulate_without_input_prices_one_inference(edgekit: Any, firmware: Path) -> None:
    code, out, _ = edgekit("emulate", firmware)
    assert code == 0
    assert "MAC/cycle" in out
    assert " MACs in the network; " in out and " executed; " in out
    assert "output 0" not in out


def test_emulate_refuses_folders_that_are_no_firmware(edgekit: Any, model: Path, tmp_path: Path) -> None:
    code, _, err = edgekit("emulate", tmp_path)
    assert code == 2
    assert f"holds no {BUILD_FILE}" in err
    for text in ("{", "[]", '{"format": 2}'):
        (tmp_path / BUILD_FILE).write_text(text)
        assert edgekit("emulate", tmp_path)[0] == 2
    assert edgekit("build", model, "--board", "host", "--out", tmp_path / "host")[0] == 0
    code, _, err = edgekit("emulate", tmp_path / "host")
    assert code == 2
    assert "built for 'host'" in err


def test_emulate_refuses_an_image_that_was_changed(edgekit: Any, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "fw"
    assert edgekit("build", model, "--board", "stm32l475", "--out", out)[0] == 0
    image = bytearray((out / "firmware.bin").read_bytes())
    image[-1] ^= 1
    (out / "firmware.bin").write_bytes(image)
    code, _, err = edgekit("emulate", out)
    assert code == 2
    assert "firmware.bin: differs from firmware.elf" in err


def test_emulate_with_an_unfit_input_writes_nothing(edgekit: Any, firmware: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 1, 17), np.int8))
    words = ("emulate", firmware, "--input", tmp_path / "x.npy", "--save", tmp_path / "y.npy")
    code, out, err = edgekit(*words)
    assert (code, out) == (2, "")
    assert "(2, 1, 17)" in err
    assert not (tmp_path / "y.npy").exists()
