"""The published ratios of memory follow from the published network."""

from __future__ import annotations

import pytest

from quant.mann.sizes import published, sizes
from quant.networks.eegnet import q_eegnet

PUBLISHED = q_eegnet(22, 1125, 4)  # counts of EEGNet on 22 electrodes; its activation has none


def test_random_projection() -> None:
    """2,628 parameters of 16 bits, 1,092 of them in the last layer, against four rows of 2,048 bits: 1.28 times."""
    table = published("random")
    assert (table.backbone + table.classifier, table.classifier) == (2628, 1092)
    assert (table.before, table.after) == (42_048, 42_048 - 17_472 + 8192)
    assert sizes(PUBLISHED, "random", 2048) == table
    assert round(table.smaller, 3) == 1.283


def test_learned_projection() -> None:
    """2,548 parameters without statistics, a projection of 272 features with biases to 256 bits: 28.0 times larger."""
    table = published("learned")
    assert (table.backbone + table.classifier, table.projection) == (2548, 256 * 273)
    assert 1 / table.smaller == pytest.approx(28.10, rel=0.003)


def test_as_json() -> None:
    row = sizes(PUBLISHED, "random", 100, width=8).as_json()
    assert row["before"] == row["backbone"] + row["classifier"] == 8 * 2628
    assert row["after"] == row["backbone"] + row["projection"] + row["memory"] == 8 * (2628 - 1092) + 400
