"""Boards with a cluster on the command line: what does not fit, what cannot be, and how programs fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.elf import read_elf
from edgekit import simulation
from edgekit.cli import main
from edgekit.emulate.errors import EmulationError
from edgekit.firmware import Firmware
from edgekit.samples import random_samples
from quant.interchange.write import save, to_onnx
from quant.lowering import Lowering, Scale

RNG = np.random.default_rng(0)
SIGNED, UNSIGNED = Scale(1 / 16, signed=True), Scale(1 / 255)
# RISC-V instructions that do what a broken kernel might do
ILLEGAL, FOREVER = b"\0\0\0\0", b"\x01\0\x01\xa0"  # c.nop, then c.j to itself
NOWHERE = (0x7000_02B7).to_bytes(4, "little") + (0x0002_A303).to_bytes(4, "little")  # lui t0, 0x70000; lw t1, 0(t0)


@pytest.fixture(scope="module")
def app(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network built for GAP8."""
    out = tmp_path_factory.mktemp("app") / "small"
    assert main(["build", str(model), "--board", "gap8", "--out", str(out), "--quiet"]) == 0
    return out


def dense(path: Path, *widths: int) -> Path:
    """Dense layers d0, d1, ... from width to width."""
    lowering = Lowering(path.stem)
    x = lowering.input("input", (widths[0],), UNSIGNED)
    for index, (inputs, outputs) in enumerate(pairwise(widths)):
        x = lowering.dense(f"d{index}", x, RNG.integers(-127, 128, (outputs, inputs)), 0.001, None, SIGNED)
    save(to_onnx(lowering.finish(x)), path)
    return path


def long(path: Path) -> Path:
    """Two convolutions over a sequence whose activations need more than L2."""
    lowering, window = Lowering(path.stem), {"strides": (1,), "dilations": (1,), "pads": (2, 0)}
    x = lowering.input("input", (1, 2000), UNSIGNED)
    for name, channels in (("c0", 1), ("c1", 300)):
        weight = RNG.integers(-127, 128, (300, channels, 3))
        x = lowering.conv(name, x, weight, 0.001, None, Scale(1 / 64), **window)  # type: ignore[arg-type]
    save(to_onnx(lowering.finish(x)), path)
    return path


Model = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("make", "board", "told"),
    [
        (
            lambda path: dense(path, 60_000, 4),
            "gap8",
            ("layer 'd0' (dense)", "smallest tile needs", "bytes of L1", "54,264 bytes of L1 for tiles"),
        ),
        (long, "gap8", ("at layer 'c1'", "bytes too many", "L2", "524,288 bytes")),
        (
            lambda path: dense(path, 64, 1000, 600),
            "mrwolf",
            ("do not fit L2", "layer 'd1' alone needs", "it has no L3", "a board with L3"),
        ),
        (
            lambda path: dense(path, 64, 3000, 3000),
            "gap8",
            ("HyperRAM", "layer 'd1' alone needs", "L3 is too small", "8,388,608 bytes"),
        ),
        (
            lambda path: dense(path, 1000, 600),
            "gap8",
            ("bytes of L2", "layer 'd0' alone needs", "the first layer's", "cannot come from L3"),
        ),
    ],
    ids=["L1", "L2", "no L3", "L3", "first layer"],
)
def test_what_does_not_fit_names_layer_bytes_and_what_would_help(
    edgekit: Any, tmp_path: Path, make: Model, board: str, told: tuple[str, ...]
) -> None:
    model = make(tmp_path / "big.onnx")
    code, out, err = edgekit("build", model, "--board", board, "--out", tmp_path / "app")
    assert (code, out) == (2, "")
    for text in (*told, "what to do"):
        assert text in err
    assert [path.name for path in tmp_path.iterdir()] == ["big.onnx"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--cores", "9"), "9 cores are not possible: 8 compute"),
        (("--cores", "0"), "choose --cores 1 to 8"),
        (("--cores", "-1"), "-1 cores are not possible"),
        (("--cores", "all"), "invalid int value: 'all'"),
        (("--clock", "200MHz"), "a clock of 200 MHz is not possible"),
        (("--range", "3.3 V"), "unknown voltage range '3.3 V'"),
        (("--range", "1.0 V"), "a clock of 175 MHz is not possible"),
        (("--idle", "coma"), "unknown idle mode 'coma'"),
    ],
)
def test_what_the_board_cannot_do(edgekit: Any, app: Path, words: tuple[str, ...], told: str) -> None:
    code, out, err = edgekit("emulate", app, "--quiet", *words)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--board", "gap8", "--cores", "9"), "9 cores are not possible"),
        (("--board", "gap9", "--cores", "9"), "choose --cores 1 to 8"),
        (("--board", "mrwolf", "--clock", "1GHz"), "1000 MHz is not possible"),
        (("--board", "gap8", "--placement", "rom"), "unknown placement 'rom'"),
        (("--board", "gap7"), "did you mean 'gap8'?"),
        (("--board", "stm32l475", "--memory", "36000"), "leave out --memory"),
    ],
)
def test_run_refuses_before_it_trains(edgekit: Any, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    code, out, err = edgekit("run", "ecg-tcn", *words, "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert told in err
    assert list(tmp_path.iterdir()) == []


def test_a_cortex_m_board_has_one_core(edgekit: Any, firmware: Path) -> None:
    assert edgekit("emulate", firmware, "--quiet", "--cores", "1")[0] == 0
    code, out, err = edgekit("emulate", firmware, "--quiet", "--cores", "2")
    assert (code, out) == (2, "")
    assert "2 cores are not possible: 1 computes" in err
    assert "leave --cores out" in err


def test_gcc_that_is_not_installed(edgekit: Any, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ("build", model, "--board", "gap8", "--out", tmp_path / "app", "--compiler", "gcc")
    code, out, err = edgekit(*words)
    assert (code, out) == (2, "")
    assert "riscv64-unknown-elf-gcc is not on the PATH" in err
    assert "--compiler zig" in err
    assert list(tmp_path.iterdir()) == []


def test_placement_means_nothing_without_flash(edgekit: Any, model: Path, tmp_path: Path) -> None:
    words = ("build", model, "--board", "gap8", "--out", tmp_path / "app", "--quiet", "--force")
    assert "--placement" not in edgekit(*words)[1]
    code, out, _ = edgekit(*words, "--placement", "ram")
    assert code == 0
    assert "--placement has no effect: gap8 has no flash" in out
    assert edgekit(*words, "--placement", "rom")[0] == 2


def test_emulate_says_how_much_stack_was_used(edgekit: Any, app: Path) -> None:
    code, out, _ = edgekit("emulate", app, "--quiet", "--cores", "3")
    assert code == 0
    assert all(len(line) <= 100 for line in out.splitlines())
    report = json.loads(edgekit("emulate", app, "--quiet", "--cores", "3", "--json")[1])
    assert 0 < report["stack_used_bytes"] < 1024
    assert f"{report['stack_used_bytes']} of 1024 bytes of stack used" in out
    assert report["sha256"] == json.loads((app / "build.json").read_text())["sha256"]


def broken(app: Path, folder: Path, symbol: str, code: bytes) -> Path:
    """A copy of a build with other instructions at the start of a function."""
    image = read_elf(app / "firmware.elf", "EM_RISCV")
    address = image.symbol(symbol).address
    part = next(part for part in image.segments if part.load_address <= address < part.load_address + len(part.data))
    data = (app / "firmware.elf").read_bytes()
    at = data.index(part.data) + address - part.load_address
    folder.mkdir()
    (folder / "firmware.elf").write_bytes(data[:at] + code + data[at + len(code) :])
    (folder / "build.json").write_bytes((app / "build.json").read_bytes())
    return folder


@pytest.mark.parametrize(
    ("code", "at", "told"),
    [
        (ILLEGAL, 0, "illegal instruction"),
        (NOWHERE, 4, "access to 0x70000000"),
        (FOREVER, 2, "no end within"),
    ],
    ids=["illegal", "no memory", "endless"],
)
def test_a_failing_layer_is_named_with_core_symbol_and_address(
    edgekit: Any, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: bytes, at: int, told: str
) -> None:
    monkeypatch.setattr(simulation, "BUDGET_BASE", 1_000_000)
    symbol = json.loads((app / "build.json").read_text())["layers"][1]["symbol"]
    bad = broken(app, tmp_path / "bad", symbol, code)
    result, out, err = edgekit("emulate", bad, "--quiet", "--save", tmp_path / "y.npy")
    assert (result, out) == (2, "")
    assert told in err
    assert "cluster core" in err
    assert symbol in err
    assert "in second" in err
    assert f"0x{read_elf(app / 'firmware.elf', 'EM_RISCV').symbol(symbol).address + at:08x}" in err
    assert not (tmp_path / "y.npy").exists()
    if code != FOREVER:
        result, _, err = edgekit("profile", bad / "firmware.elf", "--board", "gap8", "--quiet")
        assert result == 2
        assert told in err
        assert symbol in err


def test_a_stack_that_is_full_is_an_error(app: Path) -> None:
    firmware = Firmware.load(app)
    simulator, point = firmware.simulator(), load_board("gap8").operating_point()
    inputs = random_samples(1, firmware.input)
    used = simulator.run(inputs, point).stack_used
    simulator.stacks.bytes = used // 2  # stacks so small that the real ones reach into their neighbours'
    with pytest.raises(EmulationError, match=r"the stack of cluster core \d is full") as caught:
        simulator.run(inputs, point)
    assert "EK_CORE_STACK_BYTES" in str(caught.value)


def test_boards_ops_and_doctor_know_clusters(edgekit: Any) -> None:
    out = edgekit("boards", "gap8")[1]
    assert all(text in out for text in ("L1", "DMA", "HyperRAM", "1.2 V"))
    facts = json.loads(edgekit("ops", "--target", "gap", "--json")[1])
    kernels = {fact["op"]: fact["kernels"]["gap"] for fact in facts}
    assert "conv_xpulp" in kernels["conv"]
    assert "dense_xpulp" in kernels["dense"]
    code, out, _ = edgekit("doctor", "--quiet")
    assert code == 0
    assert all(text in out for text in ("compiler, clusters", "simulator", "riscv64-unknown-elf-gcc"))
