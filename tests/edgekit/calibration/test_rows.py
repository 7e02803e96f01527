from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit.calibration.rows import read_events, read_rows
from quant.errors import UserError

HEADER = "id,platform,clock_mhz,voltage,workload,cycles,latency_ms,power_mw,energy_mj,source\n"


def rows_of(text: str, folder: Path) -> list:
    path = folder / "rows.csv"
    path.write_text(text)
    return read_rows(path)


def test_the_measurements_that_come_with_edgekit() -> None:
    rows = read_rows()
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.source for row in rows)
    assert {row.board.name for row in rows if row.board} == {
        "stm32l4r5", "stm32l475", "stm32f756", "gap8", "gap9", "mrwolf"
    }  # fmt: skip


def test_rows_and_boards(tmp_path: Path) -> None:
    text = HEADER + "a,STM32L4R5,120,1.8,net,1000,,36,,me\nb,ESP32,100,,net,,2,,0.5,me\nc,memory,,,,,,,,me\n"
    first, second = rows_of(text, tmp_path)
    assert first.board is not None
    assert (first.board.name, first.cycles, first.current_ma) == ("stm32l4r5", 1000, pytest.approx(20))
    assert (second.board, second.cycles, second.current_ma) == (None, None, None)
    assert second.mean_mw == pytest.approx(250)


def test_names_of_platforms_are_free_in_form(tmp_path: Path) -> None:
    text = HEADER + "a,Mr. Wolf,50,,net,,,12,,me\nb,GAP8 v3 (GAPuino),100,,net,,,48,,me\n"
    assert [row.board and row.board.name for row in rows_of(text, tmp_path)] == ["mrwolf", "gap8"]


def test_activity_of_a_cluster(tmp_path: Path) -> None:
    columns = HEADER.replace("source", "source,awake,use")
    text = columns + "a,GAP8,100,1,,,,48,,me,1,fit\nb,GAP8,100,1,,,,19,,me,0,check\nc,GAP8,100,1,,,,30,,me,,\n"
    assert [(row.awake, row.check) for row in rows_of(text, tmp_path)] == [(1, False), (0, True), (None, False)]
    with pytest.raises(UserError, match=r"line 2, column awake: '1\.5' is no share of one"):
        rows_of(columns + "a,GAP8,100,1,,,,48,,me,1.5,fit\n", tmp_path)


def test_current_from_energy_and_time(tmp_path: Path) -> None:
    (row,) = rows_of(HEADER + "a,STM32L475,80,3.3,net,,101,,4.28,me\n", tmp_path)
    assert row.current_ma == pytest.approx(4280 / 101 / 3.3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,platform\na,b\n", "the column clock_mhz is missing"),
        (HEADER, "holds no measurement"),
        (HEADER + "a,STM32L475,fast,,,,,,,\n", "line 2, column clock_mhz: 'fast' is no positive number"),
        (HEADER + "a,STM32L475,80,,,-5,,,,\n", "column cycles: '-5' is no positive number"),
        (HEADER + "a,STM32L475,80,nan,,5,,,,\n", "column voltage"),
    ],
)
def test_bad_files(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        rows_of(text, tmp_path)
    assert message in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "image").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UserError, match="cannot be read"):
        read_rows(tmp_path / "image")


def test_profiles(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"events": {"taken": 3}, "cycles": 9}))
    assert read_events(tmp_path) == {"a": {"taken": 3}}
    (tmp_path / "b.json").write_text("[]")
    with pytest.raises(UserError, match=r"b\.json: it is no profile"):
        read_events(tmp_path)
    with pytest.raises(UserError, match="holds no profile"):
        read_events(tmp_path / "elsewhere")


def test_own_events_belong_to_rows() -> None:
    assert set(read_events()) <= {row.id for row in read_rows()}
