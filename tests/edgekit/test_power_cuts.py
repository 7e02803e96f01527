"""A board that learns while its power goes: at every erase and write of a save, and whatever the cells hold then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.boards import load_board
from deploy.build import build_graph
from deploy.status import MEANINGS
from edgekit.emulate.errors import EmulationError
from edgekit.emulate.flash import FlashMemory
from edgekit.firmware import Firmware
from edgekit.learning import Learner
from edgekit.sizes import nvm_lines
from tests.quant.learning_models import FEATURES, learner

SHOTS = np.random.default_rng(5).integers(-128, 128, (4, FEATURES), np.int8)
OK, _, FELL_BACK, CORRUPT, FOREIGN = range(5)  # ek_nvm_status
BOARD = load_board("stm32l475")


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    folder = tmp_path_factory.mktemp("lasting") / "out"
    build_graph(learner(storage="nvm"), BOARD, folder)
    return Learner(Firmware.load(folder))


def taught(device: Learner, count: int) -> tuple[FlashMemory, Mapping[str, NDArray]]:
    """Flash of a board that has learned the first shots, and its states."""
    flash = FlashMemory(BOARD)
    return flash, device.run([device.call("learn", SHOTS[i], i % 3) for i in range(count)], flash).states


def copy_of(flash: FlashMemory, seed: int) -> FlashMemory:
    copy = FlashMemory(BOARD, seed)
    copy.cells[:], copy.marks[:] = flash.cells, flash.marks
    return copy


def equal(one: Mapping[str, NDArray], other: Mapping[str, NDArray]) -> bool:
    return all(np.array_equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("entry", ["learn", "forget"])
def test_the_last_good_memory_or_the_new_one_is_there(device: Learner, entry: str) -> None:
    before, old = taught(device, 3)
    call = device.call(entry, SHOTS[3] if entry == "learn" else None, 1)
    complete = device.run([call], copy_of(before, 0))
    steps = complete.flash.erases + complete.flash.programs
    assert steps > 50
    statuses = set()
    for cut in range(steps):
        flash = copy_of(before, cut)
        flash.power_cut(cut)
        with pytest.raises(EmulationError, match="no answer to call 0"):
            device.run([call], flash)
        found = device.run([], flash)
        assert equal(found.states, old), cut
        statuses.add(found.kept)
    assert statuses == {FELL_BACK}
    flash = copy_of(before, 0)
    flash.power_cut(steps)  # with the first operation behind the save: there is none
    assert device.run([call], flash).answers[0].status == 0
    assert equal(device.run([], flash).states, complete.states) and not equal(old, complete.states)


def test_both_slots_damaged_give_the_initial_states(device: Learner) -> None:
    flash, _ = taught(device, 2)
    slot = device.firmware.facts["nvm"]["slot_bytes"]
    flash.cells[[-2 * slot + 100, -slot + 100]] ^= 1
    found = device.run([], flash)
    assert found.kept == CORRUPT and equal(found.states, device.run([]).states)


def test_another_models_states_are_refused(device: Learner, tmp_path: Path) -> None:
    build_graph(learner(71, storage="nvm"), BOARD, tmp_path / "out")
    other = Learner(Firmware.load(tmp_path / "out"))
    flash, _ = taught(device, 2)
    found = other.run([], flash)
    assert found.kept == FOREIGN and equal(found.states, other.run([]).states)


def test_a_save_that_flash_refuses_is_told(device: Learner) -> None:
    flash, old = taught(device, 3)
    slot = device.firmware.facts["nvm"]["slot_bytes"]
    flash.protect(BOARD.flash.end - slot, slot)  # the older one: a save goes there
    life = device.run([device.call("learn", SHOTS[3], 1)], flash)
    assert [MEANINGS[answer.status].split(":")[0] for answer in life.answers] == ["not saved"]
    assert not equal(life.states, old)
    found = device.run([], flash)
    assert found.kept == OK and equal(found.states, old)


def test_the_core_takes_a_small_part_of_a_save(device: Learner) -> None:
    total = device.trace_save().cost(BOARD.operating_point()).total
    assert 0 < total.cycles.total < 22e-3 * 80e6 / 5  # a fifth of an erase


@pytest.mark.parametrize("board, words", [("stm32l475", "2 slots of 2,048 bytes at the end of flash"),
                                          ("stm32f756", "in RAM, lost with power: there is no driver")])  # fmt: skip
def test_the_build_says_what_becomes_of_the_states(board: str, words: str, tmp_path: Path) -> None:
    facts = build_graph(learner(storage="nvm"), load_board(board), tmp_path / "out").facts
    (line,) = nvm_lines(facts)
    assert "states counters, prototypes, seen" in line and words in line
    assert nvm_lines({}) == []
