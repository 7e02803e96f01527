"""Functions behind tables."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quant.unary import Function, elu, leaky_relu, sigmoid, tanh

POINTS = [-1e4, -700.0, -3.5, -1.0, -1e-9, -0.0, 0.0, 1e-9, 0.5, 3.0, 700.0, 1e4]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (elu(), lambda x: x if x >= 0 else math.expm1(x)),
        (elu(0.5), lambda x: x if x >= 0 else 0.5 * math.expm1(x)),
        (leaky_relu(), lambda x: x if x >= 0 else 0.01 * x),
        (leaky_relu(0.25), lambda x: x if x >= 0 else 0.25 * x),
        (sigmoid, lambda x: 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x)),
        (tanh, math.tanh),
    ],
)
def test_values_without_warnings(function: Function, expected: Function) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = function(np.array(POINTS))
    assert found.dtype == np.float64
    assert found.tolist() == pytest.approx([expected(x) for x in POINTS], rel=1e-13)  # type: ignore[arg-type]
