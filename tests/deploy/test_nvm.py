"""Builds of models whose states outlive power: slots at the end of flash, or RAM where nothing can write flash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy import nvm
from deploy.boards import Board, load_board
from deploy.build import Build, build_graph
from deploy.compilers import COMPILERS
from deploy.elf import read_elf
from deploy.plan import make_plan
from quant.graph import Graph, GraphBuilder, State
from quant.ops import Concat, Slice
from tests.quant.learning_models import learner

L475, F756, GAP8, HOST = (load_board(name) for name in ("stm32l475", "stm32f756", "gap8", "host"))
STATES = ["counters", "prototypes", "seen"]


def ring(size: int = 4, name: str = "ring") -> Graph:
    """A stream that keeps its last sample, ``size`` bytes, over power cuts."""
    b = GraphBuilder(name)
    x, past = b.input("x", (size, 1)), b.input("past", (size, 1))
    window = b.add("window", Concat(1), past, x)
    after = b.add("after", Slice(((0, size, 1), (1, 2, 1))), window)
    b.output(window)
    b.state(State(past, after, np.zeros((size, 1), np.int64), "nvm"))
    return b.build()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_graph(learner(storage="nvm"), L475, tmp_path_factory.mktemp("nvm") / "out")


def test_two_slots_of_whole_pages_lie_at_the_end_of_flash(built: Build) -> None:
    image, size = read_elf(built.elf), sum(t.nbytes for t in nvm.lasting(built.plan.graph))
    assert built.facts["nvm"] == {"states": STATES, "bytes": size, "kept_in": "flash", "slots": 2, "slot_bytes": 2048}
    assert image.symbol("__nvm_start").address == L475.flash.end - 4096
    assert image.symbol("__nvm_end").address == L475.flash.end


def test_the_source_says_where_the_states_lie(built: Build) -> None:
    text = (built.folder / "src" / nvm.SOURCE).read_text()
    for state in built.facts["states"]:
        assert f"{{learner_arena + {state['offset']}, {state['bytes']}}}, /* {state['name']} */" in text
    assert "ek_nvm_save(&ek_model_nvm)" in (built.folder / "README.md").read_text()
    assert "#define EK_NVM 1" in (built.folder / "src" / "ek_model.h").read_text()
    made = (built.folder / "Makefile").read_text(), (built.folder / "CMakeLists.txt").read_text()
    assert all(f"src/{nvm.SOURCE}" in one for one in made)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_model_without_lasting_states_has_no_driver(compiler: str, tmp_path: Path) -> None:
    built = build_graph(learner(), L475, tmp_path / "out", compiler=compiler)
    assert built.facts["nvm"] is None and nvm.readme(learner(), L475) == ""
    assert not (built.folder / "board" / nvm.DRIVER).exists() and not (built.folder / "runtime" / "nvm.c").exists()
    assert read_elf(built.elf).symbol("__nvm_start").address == L475.flash.end


@pytest.mark.parametrize("graph, board", [(learner(storage="nvm"), F756), (ring(), GAP8), (ring(), HOST)])
def test_without_a_driver_states_live_in_ram(graph: Graph, board: Board, tmp_path: Path) -> None:
    facts = build_graph(graph, board, tmp_path / "out").facts["nvm"]
    assert (facts["kept_in"], facts["slots"]) == ("ram", 0)
    assert "they live in RAM" in nvm.readme(graph, board)


def test_slots_are_whole_pages() -> None:
    assert [nvm.slot_bytes(ring(size), L475) for size in (1, 2024, 2025, 4072, 4073)] == [2048, 2048, 4096, 4096, 6144]


def test_the_fingerprint_is_of_everything_that_gives_states_a_meaning() -> None:
    def of(graph: Graph) -> int:
        return nvm.fingerprint(make_plan(graph, L475))

    same = learner(storage="nvm")
    others = [learner(71, "nvm"), ring(), ring(5), ring(name="other")]
    assert of(same) == of(learner(storage="nvm")) == of(replace(same, info={"trained": "today"}))
    assert len({of(graph) for graph in (same, *others)}) == 1 + len(others)
