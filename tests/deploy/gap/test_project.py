"""The generated project builds by its own Makefile: on threads of this computer and bare metal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.boards import load_board
from deploy.build import build_graph
from tests.deploy.graphs import every_operator
from tests.quant.learning_models import learner

WARNING = "warning:"


@pytest.fixture(scope="module", params=[every_operator, learner])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "app"
    build_graph(request.param(), load_board("gap8"), folder)
    return folder


def make(folder: Path, *words: str) -> str:
    done = subprocess.run(["make", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_host_application_passes_its_selftest(project: Path) -> None:
    assert WARNING not in make(project, "host", f"CC={sys.executable} -m ziglang cc -fno-sanitize=all")
    assert (project / "libmodel.so").exists()
    done = subprocess.run([project / "application"], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "EK selftest ok\n")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_bare_program_is_the_one_that_edgekit_built(project: Path) -> None:
    """Same compiler, flags and sources: the same bytes are loaded."""
    from deploy.elf import read_elf

    built = read_elf(project / "firmware.elf", "EM_RISCV").segments
    (project / "firmware.elf").unlink()
    assert WARNING not in make(project, "bare", f"PYTHON={sys.executable}")
    again = read_elf(project / "firmware.elf", "EM_RISCV").segments
    assert [(s.load_address, s.data) for s in again] == [(s.load_address, s.data) for s in built]


def test_its_readme_lists_several_entries(project: Path) -> None:
    text = (project / "README.md").read_text()
    learns = "learner" in (project / "src" / "model.h").read_text()
    assert ("ek_status learner_forget(const void *input, void *output);" in text) == learns


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_sdk_gets_what_its_rules_read(project: Path, tmp_path: Path) -> None:
    (tmp_path / "pmsis_rules.mk").write_text("all:\n\t@echo $(APP): $(APP_SRCS) $(APP_CFLAGS)\n", encoding="utf-8")
    said = make(project, "-s", f"RULES_DIR={tmp_path}")
    for part in ("model: src/model.c", "runtime/network.c", "runtime/pmsis/main_pmsis.c", "-Iruntime/pmsis"):
        assert part in said
    assert "shim" not in said
    assert "bare" not in said
