"""The flags of every core: what the compiler then takes the processor for."""

from __future__ import annotations

import subprocess

import pytest

from deploy.boards import list_boards, load_board
from deploy.compilers import COMPILERS, GCC_CORTEX, ZIG_CORTEX, cortex_compiler
from quant.errors import UserError

SINGLE, DOUBLE = 4, 8  # bits of __ARM_FP


def predefined(core: str, name: str) -> dict[str, str]:
    try:
        compiler = cortex_compiler(core, name)
    except UserError as error:
        pytest.skip(str(error))
    words = [*compiler.command, *compiler.flags, "-E", "-dM", "-x", "c", "-"]
    done = subprocess.run(words, input="", capture_output=True, text=True, check=True)
    pairs = (line.split(maxsplit=2)[1:] for line in done.stdout.splitlines())
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}


def test_every_core_of_a_board_has_flags_for_both_compilers() -> None:
    cores = {board.core for board in map(load_board, list_boards()) if board.target == "cortex-m"}
    assert cores == set(ZIG_CORTEX) == set(GCC_CORTEX)


@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("core", ZIG_CORTEX)
def test_dsp_extension_and_single_precision_in_registers(core: str, name: str) -> None:
    macros = predefined(core, name)
    assert macros["__ARM_ARCH"] == "7"
    assert "__ARM_FEATURE_DSP" in macros and "__ARM_FEATURE_SIMD32" in macros
    assert "__ARM_PCS_VFP" in macros, "floats are passed in registers of the FPU"
    assert int(macros["__ARM_FP"], 0) & (SINGLE | DOUBLE) == SINGLE
