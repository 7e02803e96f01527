"""The wheel as a user gets it: built, installed without torch, run from a folder that holds decoys."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from quant.datasets.cache import cache_folder

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("deploy", "edgekit", "quant")
CARRIED = (*ROOMS, "firmware")
NEEDED = ("numpy", "onnx", "onnxruntime", "capstone", "pyelftools", "rich", "jinja2", "ziglang", "unicorn")
BIN = "Scripts" if sys.platform == "win32" else "bin"


def command(words: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    hidden = ("PYTHONPATH", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    environment["EDGEKIT_CACHE"] = str(cache_folder())
    environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(cache_folder() / "zig"))
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy: nothing is written into the checkout, nothing downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    for room in CARRIED:
        copytree(ROOT / room, folder / "source" / room, ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        (folder / "source" / name).write_bytes((ROOT / name).read_bytes())
    words: list[str | Path] = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    done = command([*words, "--wheel-dir", folder, folder / "source"], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_every_file_and_three_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = next(name for name in names if name.endswith("top_level.txt"))
        assert archive.read(info).decode().split() == list(ROOMS)
    ours = {
        path.relative_to(ROOT).as_posix()
        for room in CARRIED
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    carried = {re.sub("^deploy/_firmware/", "firmware/", name) for name in names if ".dist-info/" not in name}
    assert carried == ours


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it depends on, linked from this one so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    assert command([sys.executable, "-m", "venv", "--without-pip", folder], folder.parent).returncode == 0
    python = folder / BIN / "python"
    site = Path(
        command([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).stdout.strip()
    )
    for path in dependencies():
        if not (site / path.name).exists():
            (site / path.name).symlink_to(path)
    words: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    done = command([*words, wheel], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def dependencies() -> set[Path]:
    """Files and folders in site-packages that belong to what EdgeKit needs at run time, and to what that needs."""
    pending, seen, paths = list(NEEDED), set(), set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            package = distribution(name)
        except PackageNotFoundError:  # a requirement for other platforms
            continue
        for line in package.requires or ():
            if "extra ==" not in line:
                pending.append(re.split(r"[^\w.-]", line.strip(), maxsplit=1)[0])
        tops = {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "__pycache__")}
        paths |= {Path(str(package.locate_file(top))) for top in tops}
    return paths


@pytest.fixture
def decoys(tmp_path: Path) -> Path:
    """A working folder with packages called like ours."""
    (tmp_path / "deploy").mkdir()
    for path in (tmp_path / "deploy" / "__init__.py", tmp_path / "quant.py"):
        path.write_text("raise SystemExit('the decoy runs')\n")
    return tmp_path


def test_installed_without_torch_it_lists_builds_and_emulates(venv: Path, decoys: Path, model: Path) -> None:
    def edgekit(*words: str | Path) -> str:
        done = command([venv / BIN / "edgekit", *words], decoys)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert command([venv / BIN / "python", "-P", "-c", "import torch"], decoys).returncode == 1
    assert "stm32l475" in edgekit("boards")
    assert "ecg-tcn" in edgekit("models")
    assert str(venv) in edgekit("doctor")
    edgekit("build", model, "--board", "stm32l475", "--out", decoys / "fw")
    result = json.loads(edgekit("emulate", decoys / "fw", "--json"))
    assert result["selftest_passed"]
    assert result["cycles"] > 0
    assert len(json.loads(edgekit("calibrate", "--json"))["cycles"][0]["residuals"]) == 19


def test_installed_it_names_decoys_that_would_be_imported(venv: Path, decoys: Path) -> None:
    done = command([venv / BIN / "python", "-m", "edgekit", "boards"], decoys)
    assert done.returncode == 2
    assert "the decoy runs" not in done.stdout + done.stderr
    assert f"package 'deploy' comes from {decoys / 'deploy'}" in done.stderr
    assert f"package 'quant' comes from {decoys / 'quant.py'}" in done.stderr


def test_installed_without_torch_training_names_the_extra(venv: Path, decoys: Path) -> None:
    done = command([venv / BIN / "edgekit", "train", "ecg-tcn", "--out", decoys / "run"], decoys)
    assert done.returncode == 2
    assert "pip install 'edgekit[train]'" in done.stderr
    assert not (decoys / "run").exists()
