"""Built projects: same bytes as the reference, self-contained, all or nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.build import BUILD_FILE, build, build_graph
from deploy.codegen import layer_symbol
from deploy.elf import read_elf
from deploy.host import HostModel
from deploy.plan import make_plan
from deploy.readout import computed_parts
from quant.errors import UserError
from quant.graph import Graph, GraphBuilder
from quant.interchange.read import read_model
from quant.interchange.write import save, to_onnx
from quant.ops import AveragePool, Dense, Requantize
from quant.reference import run
from quant.requant import Requant
from tests.deploy.graphs import every_operator, inputs_for, pointwise, two_dimensional

GRAPHS = [every_operator, two_dimensional]
HOST = load_board("host")
BOARD = load_board("stm32l475")
BUILDABLE = ("stm32l475", "stm32f756")


@pytest.mark.parametrize("make", GRAPHS)
@pytest.mark.parametrize("isa", [(), ("armv7em", "dsp")], ids=["portable", "dsp"])
def test_host_library_equals_the_reference_on_every_layer(
    make: Callable[[], Graph], isa: tuple[str, ...], tmp_path: Path
) -> None:
    graph = make()
    build_graph(graph, replace(HOST, isa=isa), tmp_path / "out")
    model = HostModel(tmp_path / "out")
    inputs = inputs_for(graph, 20)
    expected = run(graph, inputs)
    traced = model.trace(inputs)
    parts = computed_parts(model.facts)
    for name in set(expected) & set(traced):
        assert np.array_equal(traced[name], expected[name][:, *parts.get(name, ())]), name
    outputs = model.run(inputs)
    assert set(outputs) == {tensor.name for tensor in graph.outputs}
    for name, values in outputs.items():
        assert np.array_equal(values, expected[name]), name
    assert model.selftest()


def test_command_answers_on_standard_output(tmp_path: Path) -> None:
    graph = every_operator()
    build_graph(graph, HOST, tmp_path / "out")
    x = inputs_for(graph, 3)["x"].astype(np.int8)
    done = subprocess.run([tmp_path / "out" / "model"], input=x.tobytes(), capture_output=True, check=True)
    expected = run(graph, {"x": x})
    row = np.dtype([("dense", "i1", (5,)), ("argmax", "<i4")])
    answers = np.frombuffer(done.stdout, row)
    assert np.array_equal(answers["dense"], expected["dense"])
    assert np.array_equal(answers["argmax"], expected["argmax"][:, 0])


def test_command_refuses_an_incomplete_sample(tmp_path: Path) -> None:
    build_graph(every_operator(), HOST, tmp_path / "out")
    done = subprocess.run([tmp_path / "out" / "model"], input=b"123", capture_output=True, check=False)
    assert done.returncode == 1 and b"incomplete" in done.stderr


def _words(name: str) -> list[str]:
    return [sys.executable, "-m", "ziglang", name]


@pytest.mark.parametrize("board", BUILDABLE)
def test_generated_makefile_gives_the_same_image(board: str, tmp_path: Path) -> None:
    built = build_graph(every_operator(), load_board(board), tmp_path / "out")
    image = (built.folder / "firmware.bin").read_bytes()
    for name in ("firmware.bin", "firmware.elf"):
        (built.folder / name).unlink()
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}"], cwd=built.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert (built.folder / "firmware.bin").read_bytes() == image


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
@pytest.mark.parametrize("board", BUILDABLE)
def test_generated_cmake_project_gives_the_same_image(board: str, tmp_path: Path) -> None:
    built = build_graph(every_operator(), load_board(board), tmp_path / "out")
    configure = ["cmake", "-B", "build", f"-DPYTHON={sys.executable}"]
    for words in (configure, ["cmake", "--build", "build"]):
        done = subprocess.run(words, cwd=built.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    again = built.folder / "build" / "firmware.bin"
    assert again.read_bytes() == (built.folder / "firmware.bin").read_bytes()


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize("board", BUILDABLE)
def test_gcc_builds_without_warnings(board: str, tmp_path: Path) -> None:
    built = build_graph(every_operator(), load_board(board), tmp_path / "out", compiler="gcc")
    done = subprocess.run(
        ["make", "-B", "TOOLCHAIN=gcc"], cwd=built.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr


def test_project_needs_nothing_outside_its_folder(tmp_path: Path) -> None:
    built = build_graph(every_operator(), HOST, tmp_path / "out")
    moved = tmp_path / "elsewhere"
    os.replace(built.folder, moved)
    (moved / "libmodel.so").unlink()
    compiler = " ".join([*_words("cc"), "-fno-sanitize=all"])
    done = subprocess.run(["make", f"CC={compiler}"], cwd=moved, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert HostModel(moved).selftest()


def test_generated_code_is_clean_under_the_undefined_behaviour_sanitizer(tmp_path: Path) -> None:
    graph = every_operator()
    board = replace(HOST, isa=("armv7em", "dsp"))
    built = build_graph(graph, board, tmp_path / "out")
    flags = "-O1 -fsanitize=undefined -fsanitize-trap=undefined"
    words = ["make", "-B", f"CC={' '.join(_words('cc'))}", f"CFLAGS={flags}", "model"]
    subprocess.run(words, cwd=built.folder, capture_output=True, check=True)
    x = inputs_for(graph, 8)["x"].astype(np.int8)
    done = subprocess.run([built.folder / "model"], input=x.tobytes(), capture_output=True, check=False)
    assert done.returncode == 0


def test_arena_is_what_the_plan_says(tmp_path: Path) -> None:
    graph = every_operator()
    built = build_graph(graph, BOARD, tmp_path / "out")
    assert built.facts["bytes"]["arena"] == make_plan(graph, BOARD).arena.size
    facts = json.loads((built.folder / BUILD_FILE).read_text())
    assert facts["bytes"]["arena"] == built.facts["bytes"]["arena"]
    assert built.facts["bytes"]["stack"] == facts["bytes"]["stack"] > 0


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = (build_graph(every_operator(), BOARD, tmp_path / name) for name in "ab")
    assert (first.folder / "firmware.bin").read_bytes() == (second.folder / "firmware.bin").read_bytes()


def test_dsp_layers_hold_the_instructions_that_their_kernels_claim(tmp_path: Path) -> None:
    built = build_graph(every_operator(), BOARD, tmp_path / "out")
    image = read_elf(built.elf)
    claims = 0
    for layer, facts in zip(built.plan.layers, built.facts["layers"], strict=True):
        listings = [image.disassemble(image.symbol(name)) for name in facts["functions"]]
        code = {instruction.mnemonic.split(".")[0] for listing in listings for instruction in listing}
        for mnemonic in layer.kernel.mnemonics:
            assert any(word.startswith(mnemonic) for word in code), (layer.node.name, layer.kernel.name, mnemonic)
            claims += 1
    assert claims


def test_used_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="not empty"):
        build_graph(every_operator(), HOST, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_force_keeps_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    build_graph(every_operator(), HOST, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"
    assert (tmp_path / "out" / "model").exists()


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="it is a file"):
        build_graph(every_operator(), HOST, tmp_path / "out")


def test_failed_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.project.interface.header", lambda *arguments: "#error broken\n")
    with pytest.raises(UserError, match="compiling"):
        build_graph(every_operator(), HOST, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def _one_layer(op: Dense, shape: tuple[int, ...]) -> Graph:
    b = GraphBuilder("large")
    b.output(b.add("fc", op, b.input("x", shape)))
    return b.build()


def test_model_larger_than_flash_is_refused(tmp_path: Path) -> None:
    factors = Requant.from_real(1e-4, zero_point=0, lo=-128, hi=127)
    graph = _one_layer(Dense(np.ones((1100, 1000), np.int64), np.zeros(1100, np.int64), factors), (1000,))
    with pytest.raises(UserError) as error:
        build_graph(graph, BOARD, tmp_path / "out")
    assert "constants need" in str(error.value) and "'fc'" in str(error.value) and "too many" in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("board", BUILDABLE)
def test_arena_larger_than_ram_names_the_layer_and_the_shortfall(board: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        build_graph(pointwise(60, 2000), load_board(board), tmp_path / "out")
    assert "layer 'fc" in str(error.value) and "bytes too many" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_stack_that_no_longer_fits_beside_the_arena_is_refused_by_the_linker(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"does not fit: \d+ bytes too many for RAM"):
        build_graph(pointwise(40, 2035), load_board("stm32f756"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_unknown_compiler_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown compiler 'zigg'"):
        build_graph(every_operator(), BOARD, tmp_path / "out", compiler="zigg")


def test_build_reads_what_it_wrote(tmp_path: Path) -> None:
    save(to_onnx(every_operator()), tmp_path / "model.onnx")
    built = build(tmp_path / "model.onnx", "host", tmp_path / "out")
    assert read_model(built.folder / "model.onnx").tensors == every_operator().tensors


@pytest.mark.parametrize(
    ("info", "macs", "order"), [({}, 4 * 8, None), ({"macs": 700, "order": "spatial-first"}, 700, "spatial-first")]
)
def test_facts_take_table_macs_and_order_from_the_training(
    info: dict[str, Any], macs: int, order: str | None, tmp_path: Path
) -> None:
    facts = build_graph(replace(pointwise(4, 8), info=info), HOST, tmp_path / "out").facts
    assert (facts["macs"], facts["order"]) == (macs, order)


def test_a_library_built_in_the_place_of_another_is_the_one_that_runs(tmp_path: Path) -> None:
    for make in (every_operator, two_dimensional, every_operator):
        graph = make()
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        build_graph(graph, HOST, tmp_path / "out")
        assert HostModel(tmp_path / "out").facts["model"] == graph.name
        inputs = inputs_for(graph, 2)
        for name, values in HostModel(tmp_path / "out").run(inputs).items():
            assert np.array_equal(values, run(graph, inputs)[name])


def test_vectorizer_keeps_the_sign_of_pooled_sums(tmp_path: Path) -> None:
    """Sums below -256 came out as the upper clip where LLVM vectorized the requantization of four channels."""
    b = GraphBuilder("pooled")
    factors = Requant.of(1159380611, 33, zero_point=87, lo=22, hi=58)
    b.output(b.add("pool", AveragePool((3,), (3,), (0, 1), factors), b.input("x", (8, 4))))
    graph = b.build()
    build_graph(graph, replace(HOST, isa=BOARD.isa), tmp_path / "out")
    inputs = inputs_for(graph, 500)
    found = HostModel(tmp_path / "out").run(inputs)["pool"]
    assert np.array_equal(found, run(graph, inputs)["pool"])


def test_a_layer_that_changes_nothing_keeps_its_function(tmp_path: Path) -> None:
    """An identity in place compiles to nothing; the linker dropped its function, and the emulator missed its symbol."""
    b = GraphBuilder("identity")
    one = Requantize(Requant.of(1 << 30, 30, zero_point=0, lo=-128, hi=127))
    b.output(b.add("second", one, b.add("first", one, b.input("x", (8,)))))
    built = build_graph(b.build(), BOARD, tmp_path / "out")
    symbols = read_elf(built.elf).symbols
    assert all(layer_symbol(built.plan, layer) in symbols for layer in built.plan.layers)
