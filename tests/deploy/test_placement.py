"""Constants and code in RAM: where they end up, that nothing else changes, and that the stack stays known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.build import Build, build_graph
from deploy.elf import Image, read_elf
from deploy.placement import FLASH, RAM, Placement
from deploy.stack import worst_case_stack
from edgekit.firmware import Firmware
from quant.errors import UserError
from quant.graph import Graph
from quant.lowering import Lowering, Scale
from quant.reference import run
from tests.deploy.graphs import every_operator

BOARD = load_board("stm32l475")
SRAM1, SRAM2 = BOARD.rams


def made(graph: Graph, folder: Path, placement: Placement, compiler: str = "zig") -> tuple[Build, Image]:
    try:
        built = build_graph(graph, BOARD, folder, placement=placement, compiler=compiler)
    except UserError as error:
        if "not on the PATH" in str(error):
            pytest.skip(str(error))
        raise
    return built, read_elf(built.elf)


def facts(built: Build) -> dict:
    return json.loads((built.folder / "build.json").read_text())


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_everything_in_ram_gives_the_same_bytes(compiler: str, tmp_path: Path) -> None:
    graph = every_operator()
    built, image = made(graph, tmp_path / "ram", RAM, compiler)
    layers = facts(built)["layers"]
    for layer in layers:
        assert layer["constants"] == "ram"
        assert image.symbol(layer["symbol"]).address in SRAM2
    firmware = Firmware.load(built.folder)
    inputs = np.random.default_rng(0).integers(-128, 128, (2, *graph.inputs[0].shape), np.int8)
    emulation = firmware.emulate(inputs, layers=True)
    expected = run(graph, {graph.inputs[0].name: inputs})
    assert emulation.result.selftest_passed
    for name, values in emulation.layers.items():
        if name in expected:
            np.testing.assert_array_equal(values, expected[name])


def test_nothing_moves_unasked(tmp_path: Path) -> None:
    built, image = made(every_operator(), tmp_path / "flash", FLASH)
    assert built.facts["bytes"]["placed"] == 0
    for layer in facts(built)["layers"]:
        assert layer["constants"] == "flash"
        assert image.symbol(layer["symbol"]).address in BOARD.flash
    assert facts(built)["code_in_ram"] == []


def test_single_layers_and_functions(tmp_path: Path) -> None:
    graph = every_operator()
    layers = facts(made(graph, tmp_path / "flash", FLASH)[0])["layers"]
    heavy = max(layers, key=lambda layer: layer["constant_bytes"])
    function = heavy["functions"][-1]
    placement = Placement(frozenset({heavy["name"]}), frozenset({function}))
    built, image = made(graph, tmp_path / "some", placement)
    assert [layer["name"] for layer in facts(built)["layers"] if layer["constants"] == "ram"] == [heavy["name"]]
    assert facts(built)["code_in_ram"] == [function]
    assert image.symbol(function).address in SRAM2
    assert built.facts["bytes"]["placed"] == pytest.approx(
        heavy["constant_bytes"] + image.symbol(function).size, abs=64
    )
    assert Firmware.load(built.folder).emulate(np.zeros((1, *graph.inputs[0].shape), np.int8)).result.selftest_passed


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
def test_the_stack_is_followed_through_veneers(compiler: str, tmp_path: Path) -> None:
    built, image = made(every_operator(), tmp_path / "ram", RAM, compiler)
    report = worst_case_stack(image)
    assert any(name in {layer["symbol"] for layer in facts(built)["layers"]} for name, _ in report.chain)
    used = (
        Firmware.load(built.folder).emulate(np.zeros((1, *built.plan.graph.inputs[0].shape), np.int8)).result.stack_used
    )
    assert used is not None
    assert used <= report.bytes == built.facts["bytes"]["stack"]


def test_constants_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    lowering = Lowering("large", {})
    x = lowering.input("input", (256,), Scale(1 / 64))
    weight = np.ones((400, 256), np.int64)
    graph = lowering.finish(lowering.dense("scores", x, weight, 0.01, None, Scale(1.0, signed=True)))
    with pytest.raises(UserError, match="constants in RAM take") as caught:
        build_graph(graph, BOARD, tmp_path / "out", placement=RAM)
    assert "--placement auto" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_host_has_one_memory(tmp_path: Path) -> None:
    built = build_graph(every_operator(), load_board("host"), tmp_path / "host", placement=RAM)
    assert built.facts["bytes"]["placed"] == 0
