"""Models and boards side by side, also with a model that does not fit and a run without a report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgekit.comparison import Subject, compare
from edgekit.energy import Duty
from quant.errors import UserError
from tests.edgekit.test_cli_build import big


@pytest.fixture
def folder(firmware: Path, model: Path, tmp_path: Path) -> Path:
    """What a run leaves, as far as a comparison needs it."""
    run = tmp_path / "runs" / "small"
    shutil.copytree(firmware, run / "firmware")
    shutil.copy(model, run / "model.onnx")
    report = {"board": "stm32l475", "model": "small", "preset": "int8", "accuracy": {"int8": 0.5}}
    (run / "report.json").write_text(json.dumps(report))
    return run


def test_boards_side_by_side(folder: Path) -> None:
    rows = compare([Subject.load(folder)], ["stm32l475", "stm32f756"], Duty())
    assert [(row["run"], row["board"], row["accuracy"]) for row in rows] == [
        ("small", "stm32l475", 0.5),
        ("small", "stm32f756", 0.5),
    ]
    slow, fast = (row["cost"] for row in rows)
    assert slow["latency_ms"] > fast["latency_ms"]
    assert slow["energy_mj"] < fast["energy_mj"]


def test_its_own_board_takes_its_own_firmware(folder: Path) -> None:
    (row,) = compare([Subject.load(folder)], [], Duty())
    assert row["board"] == "stm32l475"
    assert row["memory"]["flash_bytes"] == (folder / "firmware" / "firmware.bin").stat().st_size


def test_what_does_not_fit_is_a_row_with_a_reason(model: Path, tmp_path: Path) -> None:
    large = big(tmp_path / "big.onnx", positions=4000)
    rows = compare([Subject.load(model), Subject.load(large)], ["stm32l475"], Duty())
    assert rows[0]["problem"] is None
    assert "too many" in rows[1]["problem"]


def test_refusals(tmp_path: Path, model: Path, folder: Path) -> None:
    with pytest.raises(UserError, match=r"holds no model\.onnx"):
        Subject.load(tmp_path)
    with pytest.raises(UserError, match="does not say for which board"):
        compare([Subject.load(model)], [], Duty())
    with pytest.raises(UserError, match="unknown board"):
        compare([Subject.load(model)], ["stm32f999"], Duty())
    with pytest.raises(UserError, match="no price"):
        compare([Subject.load(model)], ["host"], Duty())
    (folder / "report.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        Subject.load(folder)


def test_the_command_writes_table_and_picture(edgekit: Any, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "compare.html"
    words = ("compare", folder, "--boards", "stm32l475, stm32f756", "--every", "100ms", "--out", page)
    code, out, _ = edgekit(*words)
    assert code == 0
    assert "stm32f756" in out
    assert all(len(line) <= 100 for line in out.splitlines())
    assert page.read_text().count('class="point"') == 2
    code, out, _ = edgekit(*words, "--json", "--quiet")
    assert [row["board"] for row in json.loads(out)["rows"]] == ["stm32l475", "stm32f756"]
