"""What it costs to make bits of the features of 43 bands, as the baseline has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.boards import load_board
from edgekit.bench import BASELINE, board_figures
from edgekit.bench_encoders import BOARDS, FEATURES, encoders

FIGURES = json.loads((Path(__file__).resolve().parents[2] / BASELINE).read_text(encoding="utf-8"))["figures"]
SPARSE = "sparse projection, 10,879 values to 10,000 bits, density 0.1"


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", encoders())
def test_no_matrix_is_stored(name: str, board: str) -> None:
    kept = FIGURES[f"{name} on {board}"]
    assert kept.get("weight_bytes", kept.get("weights_bytes")) == 0


@pytest.mark.parametrize(("board", "most"), [("stm32l475", 10.7), ("stm32f756", 9.0), ("gap8", 1.95)])
def test_cycles_per_entry(board: str, most: float) -> None:
    """10,000 rows of 1,088 entries."""
    cycles = FIGURES[f"{SPARSE} on {board}"]["layer_cycles"]["encoder"]
    assert FEATURES == 10_879 and cycles < most * 10_000 * 1_088


def test_the_baseline_is_what_is_measured(tmp_path: Path) -> None:
    name = "thermometer, 10,879 values of 5 bits"
    for board in ("gap8", "stm32l475"):
        assert board_figures(encoders()[name], load_board(board), tmp_path) == FIGURES[f"{name} on {board}"]
