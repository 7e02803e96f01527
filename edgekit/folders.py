"""Output folders: never write into somebody's folder unasked."""

from __future__ import annotations

from pathlib import Path

from quant.errors import Problem, UserError

RUN_FILE = "config.json"  # every run folder holds it from the first moment on


def check_run_folder(folder: Path, resume: bool, force: bool) -> None:
    """Whether a run may write into ``folder``; changes nothing.

    Absent and empty folders are fine. ``force`` allows any folder: files of an earlier run are replaced, all others
    stay. ``resume`` allows a folder that holds a run.

    Raises:
        UserError: the folder is used, or is no folder.
    """
    where = f"output folder {folder}"
    if folder.exists() and not folder.is_dir():
        raise UserError(Problem("it is a file", where, fix="choose another --out"))
    if force or not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / RUN_FILE).is_file():
        fix = "choose another --out, or --force to write into it (files with other names stay)"
        raise UserError(Problem("it is not empty and holds no training run", where, fix=fix))
    if not resume:
        fix = "--resume continues it, --force replaces it, or choose another --out"
        raise UserError(Problem("it already holds a run", where, fix=fix))
