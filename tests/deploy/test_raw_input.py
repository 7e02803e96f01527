"""The C function from raw sample to int8: as the host quantizes, for one scale or one per channel."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from deploy.compilers import host_compiler
from deploy.raw_input import quantize
from quant.dtypes import DType
from quant.graph import Tensor

ELECTRODES, STEPS = 3, 50
TENSOR = Tensor("input", (1, ELECTRODES, STEPS), DType.S8, zero_point=-3, scale=0.03125)


@pytest.mark.parametrize(
    ("offset", "gain"),
    [(-2.0, 0.25), ([[[1.5], [-40.0], [0.0]]], [[[0.5], [0.25], [8.0]]]), ([[[1.0], [2.0], [4.0]]], 0.5)],
)
def test_raw_samples_become_the_bytes_of_the_host(offset: object, gain: object, tmp_path: Path) -> None:
    shared = np.ndim(offset) == 0
    name, arguments = ("", "") if shared else (", int32_t channel", ", channel")
    source = tmp_path / "quantize.c"
    lines = ["#include <stdint.h>", *quantize("small", TENSOR, offset, gain)]
    lines += [f"int8_t call(float raw{name});", f"int8_t call(float raw{name})"]
    lines += ["{", f"    return small_quantize(raw{arguments});", "}", ""]
    source.write_text("\n".join(lines))
    host_compiler().compile([source], tmp_path / "quantize.so", "-shared", "-fPIC", "-Werror")
    call = ctypes.CDLL(str(tmp_path / "quantize.so")).call
    call.restype, call.argtypes = ctypes.c_int8, [ctypes.c_float, ctypes.c_int32][: 1 if shared else 2]
    # Multiples of 1/64: every step is exact in float32, so ties are ties.
    raw = np.random.default_rng(0).integers(-2000, 2000, TENSOR.shape) / 64
    real = (raw - np.asarray(offset)) * np.asarray(gain)
    expected = np.clip(np.floor(real / 0.03125 + 0.5) - 3, -128, 127)
    got = [[call(value, *([] if shared else [channel])) for value in row] for channel, row in enumerate(raw[0])]
    assert np.array_equal(got, expected[0]) and {-128, 127} <= set(np.ravel(got).tolist())


def test_a_scale_per_element_gives_no_function() -> None:
    lines = quantize("small", TENSOR, np.zeros(TENSOR.shape), np.ones(TENSOR.shape))
    assert lines == ["/* No small_quantize: every element of the input has an offset and a scale of its own. */", ""]
