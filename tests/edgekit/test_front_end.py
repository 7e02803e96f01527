"""Samples in, decisions out: the front end in firmware, on this computer and on emulated boards."""

from __future__ import annotations

import ctypes
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.build import Build, build_graph
from deploy.elf import read_elf
from deploy.features import scratch_bytes
from deploy.plan import make_plan
from edgekit.firmware import Firmware
from edgekit.front_end import STAGES, EmulatedFrontEnd, measure
from quant.errors import UserError
from quant.front_end import KEY
from quant.graph import GraphBuilder
from quant.hd.classifier import HdClassifier
from quant.hd.graph import to_learner
from quant.hd.settings import Settings
from quant.ops import Reshape
from quant.reference import run
from tests.edgekit.front_end_models import front_and_windows, graph_of
from tests.firmware.front_ends import Library

FRONT, WINDOWS = front_and_windows()
GRAPH = graph_of(FRONT)


@pytest.fixture(scope="module", params=["stm32l475", "stm32f756"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_graph(GRAPH, load_board(request.param), tmp_path_factory.mktemp("fw") / request.param)


def test_boards_give_the_hosts_bits(built: Build, tmp_path: Path) -> None:
    """Not close, but equal: + - * / and square roots are rounded alike everywhere."""
    emulated = EmulatedFrontEnd(Firmware.load(built.folder))
    library = Library(FRONT, tmp_path)
    wanted = np.array([library.features(window).ravel() for window in WINDOWS])
    np.testing.assert_array_equal(emulated.features(WINDOWS), wanted)


def test_from_samples_to_decisions(built: Build) -> None:
    emulated = EmulatedFrontEnd(Firmware.load(built.folder))
    features = emulated.features(WINDOWS[:3])
    wanted = run(GRAPH, {"features": features.astype(np.int64)})[GRAPH.outputs[0].name]
    assert emulated.outputs(WINDOWS[:3]) == [row.astype(np.int8).tobytes() for row in wanted]


def test_short_windows_lie_in_the_arena(tmp_path: Path) -> None:
    """Nobody else needs it before the features are there, and they are the same."""
    front, windows = front_and_windows(channels=12, samples=20)
    graph = graph_of(front)
    built = build_graph(graph, load_board("stm32l475"), tmp_path / "fw")
    adapter = (built.folder / "src" / "ek_model.h").read_text()
    assert built.facts["bytes"]["arena"] >= built.facts["front_end"]["sample_bytes"]
    assert "#define EK_SAMPLES ((int8_t *)with_front_end_arena)" in adapter
    emulated = EmulatedFrontEnd(Firmware.load(built.folder))
    features = emulated.features(windows[:3])
    library = Library(front, tmp_path)
    wanted = [library.features(window).ravel() for window in windows[:3]]
    np.testing.assert_array_equal(features, wanted)
    outputs = run(graph, {"features": features.astype(np.int64)})[graph.outputs[0].name]
    assert emulated.outputs(windows[:3]) == [row.astype(np.int8).tobytes() for row in outputs]


def test_the_arena_holds_a_window_of_any_length(built: Build) -> None:
    layers = sum(layer["output"]["bytes"] for layer in built.facts["layers"])
    samples = built.facts["front_end"]["sample_bytes"]
    assert layers + built.facts["inputs"][0]["bytes"] < samples <= built.facts["bytes"]["arena"] < samples + 8


def test_features_are_served_too(built: Build) -> None:
    """The same firmware takes the model's own input."""
    features = FRONT.quantize(FRONT.features(WINDOWS[:2])).reshape(2, -1)
    emulation = Firmware.load(built.folder).emulate(features)
    assert emulation.result.selftest_passed
    wanted = run(GRAPH, {"features": features.astype(np.int64)})[GRAPH.outputs[0].name]
    np.testing.assert_array_equal(emulation.outputs, wanted)


def test_stages_have_a_price(built: Build) -> None:
    traced = EmulatedFrontEnd(Firmware.load(built.folder)).trace(WINDOWS[0])
    cost = traced.cost(load_board(built.facts["board"]).operating_point())
    assert set(cost.layers) == set(STAGES)
    assert all(one.cycles.total > 0 for one in cost.layers.values())


def test_other_windows_are_refused(built: Build) -> None:
    emulated = EmulatedFrontEnd(Firmware.load(built.folder))
    with pytest.raises(UserError, match="windows are int16"):
        emulated.features(WINDOWS[:, :, 1:])
    with pytest.raises(UserError, match="windows are float64"):
        emulated.features(WINDOWS.astype(float))


def test_build_says_what_there_is(built: Build) -> None:
    facts = built.facts["front_end"]
    assert (facts["channels"], facts["samples"], facts["bands"]) == (6, 170, 3)
    assert facts["table_bytes"] == 3 * 4 * (5 + 36) + 12 + 6
    assert (built.folder / "features" / "riemann.h").is_file()
    assert "with_front_end_features(samples, features)" in (built.folder / "README.md").read_text(encoding="utf-8")


def test_models_without_one_have_none(tmp_path: Path) -> None:
    builder = GraphBuilder("plain")
    builder.input("x", (4,), scale=1.0)
    builder.output(builder.add("same", Reshape((2, 2)), "x"))
    plain = build_graph(builder.build(), load_board("stm32l475"), tmp_path / "fw")
    assert plain.facts["front_end"] is None
    assert not (plain.folder / "features").exists()
    assert "features" not in (plain.folder / "README.md").read_text(encoding="utf-8")
    with pytest.raises(UserError, match="its model has no front end"):
        EmulatedFrontEnd(Firmware.load(plain.folder))


def test_this_computer_has_it_too(tmp_path: Path) -> None:
    built = build_graph(GRAPH, load_board("host"), tmp_path / "host")
    library = ctypes.CDLL(str(built.folder / "libmodel.so"))
    out = np.zeros(built.plan.graph.inputs[0].elements, np.int16)
    window = np.ascontiguousarray(WINDOWS[0])
    getattr(library, built.facts["front_end"]["function"])(
        ctypes.c_void_p(window.ctypes.data), ctypes.c_void_p(out.ctypes.data)
    )
    np.testing.assert_array_equal(out, Library(FRONT, tmp_path).features(window).ravel())


@pytest.fixture(scope="module")
def gap9(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_graph(GRAPH, load_board("gap9"), tmp_path_factory.mktemp("fw") / "gap9")


@pytest.mark.parametrize("cores", [1, 2, 8])
def test_clusters_share_the_bands(gap9: Build, cores: int, tmp_path: Path) -> None:
    simulator = Firmware.load(gap9.folder).simulator()
    features, outputs, cycles = simulator.features(WINDOWS[:2], load_board("gap9").operating_point(), cores)
    library = Library(FRONT, tmp_path)
    np.testing.assert_array_equal(features, [library.features(window).ravel() for window in WINDOWS[:2]])
    wanted = run(GRAPH, {"features": features.astype(np.int64)})[GRAPH.outputs[0].name]
    np.testing.assert_array_equal(outputs, wanted)
    assert cycles > 0


def test_windows_that_no_scratchpad_holds_are_refused(tmp_path: Path) -> None:
    front = replace(FRONT, samples=12_000)
    with pytest.raises(UserError, match=r"the front end needs \d+ bytes of L1"):
        build_graph(graph_of(front), load_board("gap9"), tmp_path / "fw")


@pytest.mark.parametrize("board", ["gap8", "mrwolf"])
def test_boards_without_fpu_read_features(board: str, tmp_path: Path) -> None:
    built = build_graph(GRAPH, load_board(board), tmp_path / board)
    facts = built.facts["front_end"]
    assert facts["function"] is None and "no FPU" in facts["reason"]
    assert not (built.folder / "src" / "features.c").exists()
    assert "no FPU in every core" in (built.folder / "README.md").read_text(encoding="utf-8")
    with pytest.raises(UserError, match="no FPU"):
        EmulatedFrontEnd(Firmware.load(built.folder))


def test_scratch_memory_is_counted_right(built: Build) -> None:
    """The C structure is as large as the plan of the scratchpad believes."""
    image = read_elf(built.folder / "firmware.elf")
    assert image.symbol("scratch").size == scratch_bytes(FRONT)


def host_build(folder: Path) -> Path:
    build_graph(GRAPH, load_board("host"), folder / "host")
    return folder / "host"


def test_a_board_that_computes_something_else_is_told(built: Build, tmp_path: Path) -> None:
    point, host = load_board(built.facts["board"]).operating_point(), host_build(tmp_path)
    wanted = FRONT.quantize(FRONT.features(WINDOWS)).reshape(len(WINDOWS), -1)
    firmware = Firmware.load(built.folder)
    found = measure(firmware, host, GRAPH, WINDOWS, wanted, point)
    assert not found.faults and found.report["largest"] <= found.report["bound"]
    other = graph_of(replace(FRONT, scale=2 * FRONT.scale))
    build_graph(other, load_board("host"), tmp_path / "other")
    assert "features differ between" in measure(firmware, tmp_path / "other", GRAPH, WINDOWS, wanted, point).faults[0]


def test_without_fpu_there_is_a_reason_instead(tmp_path: Path) -> None:
    built = build_graph(GRAPH, load_board("gap8"), tmp_path / "gap8")
    wanted = np.zeros((len(WINDOWS), FRONT.bands * FRONT.per_band), np.int16)
    point = load_board("gap8").operating_point()
    found = measure(Firmware.load(built.folder), tmp_path, GRAPH, WINDOWS, wanted, point)
    assert found.features is None and "no FPU" in found.report["lines"][0]


def test_samples_leave_what_was_learned_alone(tmp_path: Path) -> None:
    """States lie in the arena, so that samples may not."""
    features = FRONT.quantize(FRONT.features(WINDOWS))
    labels = np.arange(len(WINDOWS)) % 2
    classifier = HdClassifier.fit("thermometer", features, labels, ("left", "right"), Settings(levels=3))
    graph = to_learner(classifier, "learner", FRONT.scale, {KEY: FRONT.to_info()})
    built = build_graph(graph, load_board("stm32l475"), tmp_path / "fw")
    text = (built.folder / "src" / "ek_model.h").read_text(encoding="utf-8")
    assert "EK_SAMPLE_BYTES" in text and "EK_SAMPLES" not in text


def test_windows_beside_states_count_in_the_plan() -> None:
    front = replace(FRONT, samples=100_000 // (2 * FRONT.channels))
    features = FRONT.quantize(FRONT.features(WINDOWS))
    classifier = HdClassifier.fit(
        "thermometer", features, np.arange(len(WINDOWS)) % 2, ("left", "right"), Settings(levels=3)
    )
    graph = to_learner(classifier, "learner", FRONT.scale, {KEY: front.to_info()})
    with pytest.raises(UserError, match="bytes too many"):
        make_plan(graph, load_board("stm32l475"))


@pytest.mark.parametrize(("board", "tool"), [("stm32l475", "arm-none-eabi-gcc"), ("gap9", "riscv64-unknown-elf-gcc")])
def test_gcc_gives_the_same_bits(board: str, tool: str, tmp_path: Path) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    built = build_graph(GRAPH, load_board(board), tmp_path / "fw", compiler="gcc")
    firmware, point = Firmware.load(built.folder), load_board(board).operating_point()
    cluster = load_board(board).cluster is not None
    some = WINDOWS[:1]
    got = firmware.simulator().features(some, point)[0] if cluster else EmulatedFrontEnd(firmware).features(some)
    np.testing.assert_array_equal(got[0], Library(FRONT, tmp_path).features(some[0]).ravel())
