"""DSP variants as the device runs them: specialised, with real instructions, on emulated Cortex-M cores."""

from __future__ import annotations

import pytest

from deploy.compilers import COMPILERS, ZIG_CORTEX
from deploy.elf import Image
from deploy.kernels import KERNELS
from tests.firmware.cases import HIGH, WIDE, all_cases
from tests.firmware.harness import Run, mismatches, plan_runs
from tests.firmware.toolchain import build_for_cortex, run_on_cortex

DSP = [kernel for kernel in KERNELS if kernel.isa == "dsp"]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Every geometry once; both requantization forms are covered by cases of their own."""
    return plan_runs([case for case in all_cases() if not case.name.endswith(f", {WIDE}")], DSP)


@pytest.fixture(scope="module", params=ZIG_CORTEX)
def core(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=COMPILERS)
def image(
    request: pytest.FixtureRequest, core: str, runs: list[Run], tmp_path_factory: pytest.TempPathFactory
) -> Image:
    return build_for_cortex(runs, request.param, core, tmp_path_factory.mktemp("cortex"))


def test_same_bytes_as_the_reference(image: Image, core: str, runs: list[Run]) -> None:
    outcome = run_on_cortex(image, runs, core)
    assert outcome.stopped is None
    assert mismatches(runs, outcome.memory) == []


def test_variants_contain_the_instructions_that_they_claim(image: Image, runs: list[Run]) -> None:
    for index, run in enumerate(runs):
        found = {i.mnemonic.split(".")[0] for i in image.disassemble(image.symbol(f"case_{index}"))}
        assert found.issuperset(run.kernel.mnemonics), f"{run.label}: {sorted(set(run.kernel.mnemonics) - found)}"


def test_high_form_is_one_multiplication(image: Image, runs: list[Run]) -> None:
    """On 1-D layers, where a 64-bit product could have no other reason."""
    chosen = [
        index
        for index, run in enumerate(runs)
        if run.kernel.name == "conv_smlad" and run.case.name.endswith(f", {HIGH}") and len(run.site.output.shape) == 2
    ]
    assert chosen
    for index in chosen:
        found = {i.mnemonic.split(".")[0] for i in image.disassemble(image.symbol(f"case_{index}"))}
        assert "smmla" in found and not found & {"smull", "smlal"}, runs[index].label
