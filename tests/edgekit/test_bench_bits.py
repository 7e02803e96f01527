"""What a search of a class memory costs: promised figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.boards import load_board
from edgekit.bench import board_figures
from edgekit.bench_bits import CLASSES, LENGTH, searches


@pytest.mark.parametrize(("board", "most"), [("stm32l475", 12_000), ("gap8", 1_500)])
def test_search_of_four_classes_of_ten_thousand_bits(board: str, most: int, tmp_path: Path) -> None:
    assert (CLASSES, LENGTH) == (4, 10_000)
    figures = board_figures(searches(), load_board(board), tmp_path)
    assert figures["layer_cycles"]["search"] <= most
