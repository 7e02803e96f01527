"""Files of a training run, written so that a kill at any moment leaves either the old or the new content."""

from __future__ import annotations

import io
import json
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from quant.errors import Problem, UserError


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step."""
    temporary = path.with_name(path.name + ".part")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_json(path: Path, content: Any) -> None:
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode())


def save(path: Path, content: Any) -> None:
    """``torch.save``, atomically; the bytes depend on the content only, not on the file's name."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomic(path, buffer.getvalue())


def load(path: Path) -> Any:
    """Tensors and plain data written by :func:`save`; executes no code from the file.

    Raises:
        UserError: the file is damaged.
    """
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, pickle.UnpicklingError, KeyError) as error:
        raise damaged(path, error) from error


def read_json(path: Path) -> Any:
    """Content written by :func:`write_json`; raises UserError where the file is damaged."""
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> UserError:
    what = f"the file is damaged: {str(error).splitlines()[0]}"
    return UserError(Problem(what, str(path), fix="train again into a new folder, or start over with --force"))
