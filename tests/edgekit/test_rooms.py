"""The start-up check, with decoys where a user's own folder would have them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit import rooms

ROOT = Path(__file__).resolve().parents[2]


def python(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python in ``folder`` with this checkout at the end of its path."""
    code = (
        f"import sys; sys.path.append({str(ROOT)!r}); sys.argv = ['edgekit', *{list(words)!r}];"
        "from edgekit.cli import main; sys.exit(main())"
    )
    # -c puts the current folder first, as `python -m edgekit` does.
    command = [sys.executable, "-c", code]
    settings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | environment
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)


def test_our_own_rooms_are_no_intruders() -> None:
    assert rooms.intruders() == []


@pytest.mark.parametrize(
    ("decoy", "room"),
    [("deploy/__init__.py", "deploy"), ("quant.py", "quant"), ("quant/__init__.py", "quant")],
)
def test_a_decoy_in_the_current_folder_is_named_and_not_run(tmp_path: Path, decoy: str, room: str) -> None:
    path = tmp_path / decoy
    path.parent.mkdir(exist_ok=True)
    path.write_text("print('the decoy runs')\n")
    done = python(tmp_path, "boards")
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"package '{room}' comes from {path.parent if path.name == '__init__.py' else path}" in done.stderr
    assert str(ROOT) in done.stderr
    assert "what to do: run the command 'edgekit'" in done.stderr


def test_both_decoys_are_named_in_one_run(tmp_path: Path) -> None:
    (tmp_path / "quant.py").touch()
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "__init__.py").touch()
    done = python(tmp_path, "models")
    assert done.returncode == 2
    assert done.stderr.count("comes from") == 2


def test_a_decoy_on_pythonpath_gets_other_advice(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "quant.py").touch()
    (tmp_path / "work").mkdir()
    done = python(tmp_path / "work", "boards", PYTHONPATH=str(tmp_path / "lib"))
    assert done.returncode == 2
    assert f"take {tmp_path / 'lib'} out of PYTHONPATH" in done.stderr


def test_folders_with_other_names_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "quantize.py").touch()
    assert python(tmp_path, "boards").returncode == 0


def test_a_missing_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "ROOMS", ("quant", "no_such_room"))
    (message,) = rooms.intruders()
    assert message.startswith("package 'no_such_room' is missing")
