"""Every variant of one core on the host: same bytes as the reference, nothing undefined, nothing overrun.

Those of a team have a suite of their own (test_xpulp.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deploy.kernels import KERNELS
from deploy.kernels.dense import PortableDense
from deploy.kernels.xpulp import up
from quant.ops import Dense
from quant.requant import Requant
from tests.firmware.case import Case, tensor
from tests.firmware.cases import all_cases, convolutions
from tests.firmware.harness import Run, mismatches, plan_runs, result_bytes
from tests.firmware.tiles import tile_runs
from tests.firmware.toolchain import HOST_FLAGS, run_on_host

SINGLE = [kernel for kernel in KERNELS if not kernel.team]


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    whole = plan_runs(all_cases(), SINGLE, inplace=True)
    pieces = tile_runs(convolutions(np.random.default_rng(4)), SINGLE, each=2)
    return [*whole, *(replace(run, offset=run.offset + up(result_bytes(whole), 8)) for run in pieces)]


def test_every_variant_is_exercised(runs: list[Run]) -> None:
    assert {run.kernel.name for run in runs} == {kernel.name for kernel in SINGLE}


def test_outputs_take_the_place_of_inputs(runs: list[Run]) -> None:
    names = {run.kernel.name for run in runs if run.inplace is not None}
    assert names == {"conv_smlad", "conv_line_smlad", "add", "add_smlad", "table", "requantize", "bind"} | {
        *("accumulate", "count", "erase", "majority")
    }


@pytest.mark.parametrize("compiler", HOST_FLAGS)
def test_same_bytes_as_the_reference(runs: list[Run], compiler: str) -> None:
    outcome = run_on_host(runs, compiler)
    assert outcome.stopped is None
    assert mismatches(runs, outcome.memory) == []


def dense_case(bias: int) -> Case:
    requant = Requant.of(1 << 30, 40, zero_point=0, lo=-128, hi=127)
    return Case("dense", Dense(np.full((1, 4), 127), np.array([bias]), requant), (tensor((4,), 0),), (np.full(4, 127),))


def overflowing() -> list[Run]:
    """A sum beyond int32, smuggled past the proof that refuses it in a graph."""
    (run,) = plan_runs([dense_case(0)], [PortableDense()])
    case = dense_case(2**31 - 1)
    return [replace(run, case=case, site=replace(run.site, op=case.op))]


@pytest.mark.parametrize("compiler", ["zig, sanitized", "gcc, sanitized"])
def test_undefined_behaviour_ends_the_program(compiler: str) -> None:
    stopped = run_on_host(overflowing(), compiler).stopped
    assert stopped is not None and stopped.startswith("dense: dense: exit code")


def test_comparison_finds_wrong_bytes_and_overruns() -> None:
    runs = plan_runs([dense_case(5)], [PortableDense()])
    memory = bytearray(run_on_host(runs, "zig, sanitized").memory)
    assert mismatches(runs, bytes(memory)) == []
    memory[0] ^= 1
    memory[1] ^= 1
    assert mismatches(runs, bytes(memory)) == [
        "dense: dense: other bytes than the reference",
        "dense: dense: wrote behind its output",
    ]
