"""XpulpV2 variants as a cluster runs them: real instructions on simulated cores, alone and eight together."""

from __future__ import annotations

import numpy as np
import pytest

from deploy.compilers import COMPILERS
from deploy.elf import Image
from deploy.kernels import KERNELS
from quant.dtypes import DType
from quant.ops import Conv
from tests.edgekit.emulate.pulp.encodings import encodings
from tests.firmware.case import Case
from tests.firmware.cases import WIDE, all_cases, convolutions
from tests.firmware.harness import Run, mismatches, plan_runs
from tests.firmware.tiles import tile_runs
from tests.firmware.toolchain import build_for_cluster, run_on_cluster

TEAM_KERNELS = [kernel for kernel in KERNELS if kernel.team]


@pytest.fixture(scope="module", params=["convolutions", "other layers", "layers on bits", "tiles"])
def runs(request: pytest.FixtureRequest) -> list[Run]:
    """Every geometry once; both requantization forms are covered by cases of their own. L2 is too small for one
    program."""
    if request.param == "tiles":
        narrow = (case for case in convolutions(np.random.default_rng(4)) if not case.name.endswith(f", {WIDE}"))
        return tile_runs(narrow, TEAM_KERNELS, each=2)
    chosen = [case for case in all_cases() if part(case) == request.param and not case.name.endswith(f", {WIDE}")]
    return plan_runs(chosen, TEAM_KERNELS)


def part(case: Case) -> str:
    """The program that a case belongs to."""
    bits = DType.B1 in {case.op.infer(*case.tensors)[1], *(x.dtype for x in case.tensors)}
    return "convolutions" if isinstance(case.op, Conv) else "layers on bits" if bits else "other layers"


@pytest.fixture(scope="module", params=COMPILERS)
def image(request: pytest.FixtureRequest, runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_for_cluster(runs, request.param, tmp_path_factory.mktemp("cluster"))


@pytest.mark.parametrize("cores", [1, 3, 8])
def test_same_bytes_as_the_reference(image: Image, runs: list[Run], cores: int) -> None:
    outcome = run_on_cluster(image, runs, cores)
    assert outcome.stopped is None
    assert mismatches(runs, outcome.memory) == []


def test_variants_contain_the_instructions_that_they_claim(image: Image, runs: list[Run]) -> None:
    for run in runs:
        for name in run.kernel.mnemonics:
            rows = [row for row in encodings() if row.mnemonic == name]
            assert rows, name
            functions = {f"team_{call.function}" for call in run.kernel.calls(run.site)}
            code = [word for function in functions for word in words_of(image, function)]
            assert any(word & row.mask == row.match for word in code for row in rows), f"{run.kernel.name}: {name}"


def words_of(image: Image, function: str) -> list[int]:
    """All words of a function at even addresses: compressed instructions may lie between the long ones."""
    symbol = image.symbol(function)
    for part in image.segments:
        at = symbol.address - part.address
        if 0 <= at < len(part.data):
            code = part.data[at : at + symbol.size]
            return [int.from_bytes(code[i : i + 4], "little") for i in range(0, len(code) - 3, 2)]
    raise AssertionError(f"{function} lies in no segment")
