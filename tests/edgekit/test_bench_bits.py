"""What a search of a class memory and a layer on bits cost: promised figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.boards import load_board
from edgekit.bench import board_figures
from edgekit.bench_bits import CLASSES, INPUTS, LENGTH, OUTPUTS, dense_on_bits, dense_on_int8, searches


@pytest.mark.parametrize(("board", "most"), [("stm32l475", 12_000), ("gap8", 1_500)])
def test_search_of_four_classes_of_ten_thousand_bits(board: str, most: int, tmp_path: Path) -> None:
    assert (CLASSES, LENGTH) == (4, 10_000)
    figures = board_figures(searches(), load_board(board), tmp_path)
    assert figures["layer_cycles"]["search"] <= most


@pytest.mark.parametrize(("board", "least"), [("stm32l475", 4), ("stm32f756", 4), ("gap8", 3)])
def test_a_dense_layer_on_bits_takes_a_fraction_of_the_same_on_int8(board: str, least: int, tmp_path: Path) -> None:
    assert (INPUTS, OUTPUTS) == (1024, 256)
    on_bits, on_int8 = (board_figures(make(), load_board(board), tmp_path) for make in (dense_on_bits, dense_on_int8))
    assert least * on_bits["cycles"] < on_int8["cycles"] and on_bits["macs"] == on_int8["macs"]
