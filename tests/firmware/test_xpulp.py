"""XpulpV2 variants on the host: teams of any size give the bytes of the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deploy.kernels import KERNELS
from tests.firmware.cases import all_cases, convolutions
from tests.firmware.harness import Run, mismatches, plan_runs, result_bytes
from tests.firmware.tiles import tile_runs
from tests.firmware.toolchain import build_for_host, run_program

TEAM_KERNELS = [kernel for kernel in KERNELS if kernel.team]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    whole = plan_runs(all_cases(), TEAM_KERNELS, inplace=True)
    pieces = tile_runs(convolutions(np.random.default_rng(4)), TEAM_KERNELS, each=3)
    behind = result_bytes(whole) + 8
    return [*whole, *(replace(run, offset=run.offset + behind - behind % 8) for run in pieces)]


@pytest.fixture(scope="module", params=["zig, sanitized", "gcc, sanitized"])
def built(request: pytest.FixtureRequest, runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_for_host(runs, str(request.param), tmp_path_factory.mktemp("team"))


@pytest.mark.parametrize("cores", [1, 2, 3, 5, 8])
def test_same_bytes_as_the_reference(built: Path, runs: list[Run], cores: int) -> None:
    outcome = run_program(built, runs, cores)
    assert outcome.stopped is None
    assert mismatches(runs, outcome.memory) == []
