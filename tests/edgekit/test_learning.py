"""A board that learns: the same counters and prototypes as the reference, bit for bit; what the command prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.boards import load_board
from deploy.build import build_graph
from deploy.host import HostModel
from deploy.status import MEANINGS
from edgekit.agreement import EmulatedBoard, compare, host_library, onnx_runtime
from edgekit.emulate import frames
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.flash import FlashMemory
from edgekit.firmware import Firmware
from edgekit.learning import Learner, first_difference
from quant.errors import UserError
from tests.quant.learning_models import CLASSES, FEATURES, learner

RNG = np.random.default_rng(1)
SHOTS = RNG.integers(-128, 128, (5, FEATURES), np.int8)
DONE, NO_CLASS, FULL, NEVER, _ = range(len(MEANINGS))
KEPT, EMPTY, FELL_BACK = range(3)  # ek_nvm_status


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    folder = tmp_path_factory.mktemp("learner") / "out"
    build_graph(learner(), load_board("stm32l475"), folder)
    return Learner(Firmware.load(folder))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> HostModel:
    folder = tmp_path_factory.mktemp("learner") / "host"
    build_graph(learner(), load_board("host"), folder)
    return HostModel(folder)


def test_a_life_on_the_board_equals_host_and_reference(board: Learner, host: HostModel) -> None:
    calls = [board.call("classify", SHOTS[0])]
    calls += [board.call("learn", shot, label) for shot, label in zip(SHOTS, (0, 2, 2, 1, 0), strict=True)]
    calls += [board.call("learn", SHOTS[0], label) for label in (-1, CLASSES)]
    calls += [board.call("forget", label=label) for label in (2, 2, CLASSES)]
    calls += [board.call("classify", shot) for shot in SHOTS]
    session = board.run(calls)
    assert session.selftest_passed
    assert first_difference(session, board.expected([calls])[0]) is None
    expected = [NEVER, *[DONE] * 5, NO_CLASS, FULL, DONE, NEVER, FULL, *[DONE] * 5]
    assert [answer.status for answer in session.answers] == expected
    host.reset()
    for call, answer in zip(calls, session.answers, strict=True):
        status, outputs = host.call(call.entry, dict(call.inputs))
        assert status == answer.status
        assert all(np.array_equal(value, answer.outputs[name]) for name, value in outputs.items())
    assert set(session.states) == {"counters", "prototypes", "seen"}
    assert all(np.array_equal(value, session.states[name]) for name, value in host.states().items())


def test_a_difference_is_named(board: Learner) -> None:
    calls = [board.call("learn", SHOTS[0], 1)]
    (one,), (other,) = board.expected([calls]), board.expected([[board.call("learn", SHOTS[1], 1)]])
    assert first_difference(one, other) == "state 'counters'"
    (other,) = board.expected([[board.call("learn", SHOTS[0], 2)]])
    assert first_difference(one, other) == "call 0 (learn), output 'seen.learned'"


def test_the_first_entry_runs_as_any_model(board: Learner, host: HostModel, tmp_path: Path) -> None:
    graph, folder = learner(), board.firmware.folder
    build_graph(graph, load_board("host"), tmp_path / "host")
    machines = (EmulatedBoard(board.firmware), host_library(tmp_path / "host"), onnx_runtime(folder / "model.onnx"))
    for machine in machines:
        agreement = compare(graph, "machine", machine, SHOTS)
        assert (agreement.different, agreement.layers) == (0, 4)


def test_a_call_costs_what_its_layers_cost(board: Learner) -> None:
    point = board.firmware.board.operating_point()
    classify, learn = (
        board.trace([board.call("learn", SHOTS[1], 0), call]).cost(point)
        for call in (board.call("classify", SHOTS[0]), board.call("learn", SHOTS[0], 1))
    )
    assert set(classify.layers) == {"projected", "query", "distance", "class"}
    learning = {"projected", "query", "counters.learned", "prototypes.learned", "seen.learned"}
    assert set(learn.layers) == learning
    assert all(cost.cycles.total > 0 for cost in (*classify.layers.values(), *learn.layers.values()))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "no status"),
        (b"EK\0\xebO\0\0", "no answer to call 0"),
        (b"EK\0\xebS\0", "no answer to call 0"),
        (b"EK\0\xebS\0ab!", "1 bytes behind the last answer"),
    ],
)
def test_broken_answers(sent: bytes, message: str) -> None:
    with pytest.raises(EmulationError, match=message):
        frames.returned(sent, [2])


def test_the_command(edgekit: Any, board: Learner, tmp_path: Path) -> None:
    np.save(tmp_path / "shots.npy", SHOTS[:2])
    np.save(tmp_path / "queries.npy", SHOTS)
    words = ("emulate", board.firmware.folder, "--learn", tmp_path / "shots.npy", "--class", 1)
    words += ("--then-classify", tmp_path / "queries.npy")
    code, out, _ = edgekit(*words, "--json", "--quiet")
    found = json.loads(out)
    assert code == 0 and found["equal_to_reference"] and found["selftest_passed"]
    assert [call["entry"] for call in found["calls"]] == ["learn"] * 2 + ["classify"] * 5
    assert all(call["outputs"]["class"] == [1] for call in found["calls"][2:])
    assert found["calls"][1]["outputs"]["seen.learned"] == [0, 2, 0]
    assert {name: cost["cycles"] > 0 for name, cost in found["cost"].items()} == {"learn": True, "classify": True}
    code, out, _ = edgekit(*words, "--forget", 1, "--quiet")
    assert code == 0 and "forget class 1: seen.forgotten [0, 0, 0]" in out and "(never seen" in out
    assert "bit for bit" in out and "2 calls" in out


def test_refusals(edgekit: Any, board: Learner, tmp_path: Path) -> None:
    folder = board.firmware.folder
    np.save(tmp_path / "shots.npy", SHOTS)
    code, _, error = edgekit("emulate", folder, "--learn", tmp_path / "shots.npy")
    assert code == 2 and "--learn and --class belong together" in error
    with pytest.raises(UserError, match=r"entry 'clasify'|no entry"):
        board.entry("clasify")
    with pytest.raises(UserError, match="it takes 0 inputs besides its label"):
        board.sample("forget")


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    folder = tmp_path_factory.mktemp("lasting") / "out"
    build_graph(learner(storage="nvm"), load_board("stm32l475"), folder)
    return Learner(Firmware.load(folder))


def test_a_board_knows_its_classes_when_power_comes_back(lasting: Learner) -> None:
    first = [lasting.call("learn", shot, label) for shot, label in zip(SHOTS, (0, 1, 1, 2, 0), strict=True)]
    second = [lasting.call("classify", SHOTS[0]), lasting.call("forget", label=0), lasting.call("learn", SHOTS[4], -1)]
    third = [lasting.call("classify", shot) for shot in SHOTS]
    lives = lasting.lives([first, second, third])
    assert [life.kept for life in lives] == [EMPTY, KEPT, KEPT]
    for life, expected in zip(lives, lasting.expected([first, second, third]), strict=True):
        assert first_difference(life, expected) is None
    assert not any(answer.status for answer in lives[0].answers)
    pages = lasting.firmware.facts["nvm"]["slot_bytes"] // 2048
    assert [life.flash.erases for life in lives] == [5 * pages, pages, 0]


def test_power_that_goes_while_a_class_is_learned_leaves_the_last_good_memory(lasting: Learner) -> None:
    calls = [lasting.call("learn", shot, label) for shot, label in zip(SHOTS, (0, 1, 2, 0, 1), strict=True)]
    flash = FlashMemory(lasting.firmware.board)
    lasting.run(calls[:3], flash)
    flash.power_cut(4)
    with pytest.raises(EmulationError, match="no answer to call 0"):
        lasting.run(calls[3:], flash)
    after = lasting.run([lasting.call("classify", SHOTS[0])], flash)
    expected = lasting.expected([[*calls[:3], lasting.call("classify", SHOTS[0])]])[0]
    assert after.kept == FELL_BACK
    assert all(np.array_equal(value, expected.states[name]) for name, value in after.states.items())
    assert np.array_equal(after.answers[0].outputs["distance"], expected.answers[-1].outputs["distance"])


def test_the_command_shows_what_outlives_power(edgekit: Any, lasting: Learner, board: Learner, tmp_path: Path) -> None:
    np.save(tmp_path / "shots.npy", SHOTS)
    words = (
        "--learn",
        tmp_path / "shots.npy",
        "--class",
        2,
        "--then-classify",
        tmp_path / "shots.npy",
        "--power-cycle",
    )
    code, out, _ = edgekit("emulate", lasting.firmware.folder, *words, "--quiet")
    assert code == 0 and "saving    5 times to flash" in out and "power-up: the newest states are back" in out
    assert out.count("class [2]") == 5
    for folder in (board.firmware.folder, build_graph(learner(), load_board("gap8"), tmp_path / "gap8").folder):
        code, _, error = edgekit("emulate", folder, *words)
        assert code == 2 and "its states are lost with power" in error
    code, out, _ = edgekit("emulate", tmp_path / "gap8", *words[:-1], "--cores", 4)
    assert code == 0 and "learn     5 calls" in out and out.count("class [2]") == 5
    code, _, error = edgekit("emulate", board.firmware.folder, *words)
    assert code == 2 and "its states are lost with power" in error
    assert lasting.firmware.emulate(SHOTS).outputs.shape == (5, 1)


@pytest.mark.parametrize("name", ["gap8", "gap9", "mrwolf"])
def test_a_cluster_learns_the_same(name: str, tmp_path: Path) -> None:
    build_graph(learner(), load_board(name), tmp_path / "out")
    board = Learner(Firmware.load(tmp_path / "out"))
    calls = [board.call("classify", SHOTS[0])]
    calls += [board.call("learn", shot, label) for shot, label in zip(SHOTS, (0, 2, 2, 1, 9), strict=True)]
    calls += [board.call("forget", label=1), *(board.call("classify", shot) for shot in SHOTS)]
    for cores in (1, 3, 8):
        life = board.simulate(calls, board.firmware.board.operating_point(), cores)
        assert life.selftest_passed
        assert [answer.status for answer in life.answers] == [NEVER, *[DONE] * 4, FULL, *[DONE] * 6]
        assert first_difference(life, board.expected([calls])[0]) is None
        assert all(cost.cycles > 0 for cost in life.costs)


def test_a_memory_too_large_for_l1_is_changed_in_l2(tmp_path: Path) -> None:
    built = build_graph(learner(12_000), load_board("gap8"), tmp_path / "out")
    places = {state["name"]: (state["memory"], state["offset"]) for state in built.facts["states"]}
    layers = {layer["name"]: layer["output"] for layer in built.facts["layers"]}
    for form in ("learned", "forgotten"):
        output = layers[f"counters.{form}"]
        assert (output["memory"], output["offset"]) == places["counters"]
    board = Learner(Firmware.load(tmp_path / "out"))
    calls = [board.call("learn", SHOTS[0], 2), board.call("learn", SHOTS[1], 0), board.call("forget", label=2)]
    calls.append(board.call("classify", SHOTS[1]))
    life = board.simulate(calls, board.firmware.board.operating_point())
    assert life.selftest_passed and first_difference(life, board.expected([calls])[0]) is None


@pytest.mark.parametrize(("name", "compiler"), [("stm32f756", "zig"), ("stm32l475", "gcc")])
def test_other_boards_and_compilers_learn_the_same(name: str, compiler: str, tmp_path: Path) -> None:
    build_graph(learner(), load_board(name), tmp_path / "out", compiler=compiler)
    board = Learner(Firmware.load(tmp_path / "out"))
    calls = [board.call("learn", shot, label) for shot, label in zip(SHOTS, (0, 2, 2, 1, 9), strict=True)]
    calls += [board.call("forget", label=1), *(board.call("classify", shot) for shot in SHOTS)]
    session = board.run(calls)
    assert session.selftest_passed and session.answers[4].status == FULL
    assert first_difference(session, board.expected([calls])[0]) is None
