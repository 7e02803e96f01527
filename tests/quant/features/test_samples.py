"""Windows in int16 steps, and recordings that are none."""

from __future__ import annotations

import numpy as np
import pytest

from quant.errors import UserError
from quant.features.samples import steps, unit_of

NAMES = ("C3", "Cz", "C4")


def windows() -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 20.0, (5, 3, 40))


def test_whole_numbers_stay_what_they_are() -> None:
    x = np.rint(windows())
    assert unit_of(x) == 1.0
    assert np.array_equal(steps(x, 1.0), x)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_units_are_powers_of_two_that_leave_room(scale: float) -> None:
    x = windows() * scale + scale / 3
    unit = unit_of(x)
    assert np.log2(unit) % 1 == 0
    largest = abs(steps(x, unit)).max()
    assert 1 << 13 <= largest <= 1 << 14


def test_later_recordings_are_clipped() -> None:
    x = windows() * 1e6
    assert steps(x, 1.0).max() == 32767 and steps(x, 1.0).min() == -32768


def test_what_cannot_be_a_recording_is_refused_and_named() -> None:
    x = windows()
    x[2, 1, 7] = np.nan
    with pytest.raises(UserError, match=r"1 samples are NaN.*|trial 2, channel Cz"):
        steps(x, 1.0, NAMES)
    with pytest.raises(UserError, match="NaN"):
        unit_of(x)
    x = windows()
    x[:, 2] = 3.0
    with pytest.raises(UserError, match=r"trial 0, channel C4.*and 2 more"):
        steps(x, 1.0, NAMES)
    with pytest.raises(UserError, match="full rank"):
        steps(windows()[:, :, :3], 1.0)
