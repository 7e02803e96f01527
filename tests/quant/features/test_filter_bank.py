"""The published bands, and filters that pass them."""

from __future__ import annotations

import numpy as np
import pytest

from quant.errors import UserError
from quant.features.filter_bank import bands, sections


def test_the_published_bank() -> None:
    found = bands("43")
    widths = [high - low for low, high in found]
    assert [widths.count(width) for width in (2, 4, 8, 16, 32)] == [18, 9, 8, 6, 2]
    assert found[0] == (4, 6) and max(high for _, high in found) == 40 and len(set(found)) == 43
    assert 253 * len(found) == 10_879


def test_filters_pass_their_band_alone() -> None:
    from scipy.signal import sosfreqz

    for (low, high), filters in zip(bands("18"), sections(bands("18"), 160.0), strict=True):
        _, gain = sosfreqz(filters, [low - 2, low, (low * high) ** 0.5, high, high + 2], fs=160.0)
        outside, edge, inside = abs(gain)[[0, 4]], abs(gain)[[1, 3]], abs(gain)[2]
        assert inside > 0.98 and np.allclose(edge, 0.5**0.5, atol=1e-6) and outside.max() < 0.3


def test_unknown_banks_and_slow_recordings_are_refused() -> None:
    with pytest.raises(UserError, match="43"):
        bands("44")
    with pytest.raises(UserError, match="80 samples per second"):
        sections(bands("18"), 80.0)
