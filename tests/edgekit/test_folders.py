"""Output folders of runs: what may be written into."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.folders import RUN_FILE, check_run_folder
from quant.errors import UserError


def test_absent_and_empty_folders_are_fine(tmp_path: Path) -> None:
    check_run_folder(tmp_path / "absent", False, False)
    check_run_folder(tmp_path, False, False)
    check_run_folder(tmp_path, True, False)
    assert not (tmp_path / "absent").exists()


def test_a_foreign_folder_needs_force(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for resume in (False, True):
        with pytest.raises(UserError, match="not empty and holds no training run"):
            check_run_folder(tmp_path, resume, False)
    check_run_folder(tmp_path, False, True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_run_is_resumed_or_replaced(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text("{}")
    with pytest.raises(UserError, match=r"already holds a run[\s\S]*--resume"):
        check_run_folder(tmp_path, False, False)
    check_run_folder(tmp_path, True, False)
    check_run_folder(tmp_path, False, True)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UserError, match="it is a file"):
        check_run_folder(tmp_path / "out", False, True)
