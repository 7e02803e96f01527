"""When the DSP variants of operators that make bits decline."""

from __future__ import annotations

import numpy as np
import pytest

from deploy.kernels.base import Kernel, Site
from deploy.kernels.encoders_dsp import DspBinarize, DspLevelEncode, DspProject
from quant.dtypes import DType
from quant.graph import Tensor
from quant.ops import Binarize, LevelEncode, Op, Project
from tests.firmware.case import Case, tensor
from tests.firmware.harness import site_of


def site(op: Op, x: Tensor) -> Site:
    return site_of(Case("encoder", op, (x,), (np.zeros(x.shape, np.int64),)))


def features(values: int) -> Tensor:
    return tensor((values,), 0, DType.S16)


@pytest.mark.parametrize(
    ("kernel", "op", "x", "reason"),
    [
        (DspBinarize(), Binarize(np.array(0)), tensor((64,), 0), "32 int16"),
        (DspBinarize(), Binarize(np.array(0)), features(31), "32 int16"),
        (DspBinarize(), Binarize(np.zeros(64, np.int64)), features(64), "one int16"),
        (DspBinarize(), Binarize(np.array(1 << 15)), features(64), "one int16"),
        (DspLevelEncode(), LevelEncode("gray", 3), features(1), "two values"),
        (DspProject(), Project(8, 1), features(63), "no whole word"),
        (DspProject(), Project(8, 1, "gaussian"), features(7), "no whole word"),
        (DspProject(), Project(8, 1, "sparse", 16), features(127), "no whole word"),
    ],
)
def test_declines(kernel: Kernel, op: Op, x: Tensor, reason: str) -> None:
    assert reason in (kernel.unsupported(site(op, x)) or "")


@pytest.mark.parametrize(
    ("kernel", "op", "x"),
    [
        (DspBinarize(), Binarize(np.array(-(1 << 15))), features(32)),
        (DspLevelEncode(), LevelEncode("gray", 3), features(2)),
        (DspProject(), Project(8, 1, "sparse", 16), features(128)),
    ],
)
def test_takes(kernel: Kernel, op: Op, x: Tensor) -> None:
    assert kernel.unsupported(site(op, x)) is None
