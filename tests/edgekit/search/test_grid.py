"""Grids as the command line writes them."""

from __future__ import annotations

import pytest

from edgekit.search.grid import points
from edgekit.search.plan import layers
from quant import networks
from quant.errors import UserError
from quant.networks.recipe import Recipe

TCNET = networks.model("eeg-tcnet")
RECIPE = Recipe(batch=7)


def test_every_combination_is_a_point() -> None:
    found = points(["filters=8,16", "dropout=0.1, 0", "learning_rate=1e-3", "qat=rpr", "qat_epochs=20"], TCNET, RECIPE)
    assert [point.label for point in found][1] == "filters 8, dropout 0, learning_rate 1e-3, qat rpr, qat_epochs 20"
    assert [point.config for point in found] == [
        {"filters": filters, "dropout": dropout} for filters in (8, 16) for dropout in (0.1, 0.0)
    ]
    assert found[0].recipe == Recipe(batch=7, learning_rate=1e-3, qat="rpr", qat_epochs=20)
    assert {point.standardize for point in found} == {None}


def test_no_grid_is_the_network_itself() -> None:
    (point,) = points([], TCNET, RECIPE)
    assert (point.label, point.config, point.recipe) == ("eeg-tcnet", {}, RECIPE)


def test_published_configurations_are_an_axis() -> None:
    first, second = points(["config=S1,S2", "blocks=4"], TCNET, RECIPE)
    assert first.config["tcn_filters"] == 15 and first.config["blocks"] == second.config["blocks"] == 4
    assert "standardize" not in first.config
    assert (first.standardize, second.standardize) == (None, "none")
    (third,) = points(["config=S2", "standardize=sample"], TCNET, RECIPE)
    assert third.standardize == "sample"


def test_truth_values() -> None:
    assert [p.config for p in points(["elu=true,False"], networks.model("eegnet"), RECIPE)] == [
        {"elu": True},
        {"elu": False},
    ]


def test_points_without_dropout_between_them_share_their_layers() -> None:
    one, other, wide = points(["config=S4,S6,S5"], TCNET, RECIPE)
    assert layers(one) == layers(other) != layers(wide)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("filters", "it has no values"),
        ("filters=", "it has no values"),
        ("filter=8", "did you mean 'filters'"),
        ("filters=many", "'many' is no value of filters"),
        ("filters=0", "filters is 0"),
        ("dropout=1", "dropout is 1"),
        ("dropout=nan", "dropout is nan"),
        ("learning_rate=0", "learning_rate is 0"),
        ("qat_epochs=31", "qat_epochs is 31"),
        ("qat=none", "unknown qat 'none'"),
        ("standardize=everything", "unknown standardisation 'everything'"),
        ("config=S10", "unknown configuration of eeg-tcnet 'S10'"),
    ],
)
def test_mistakes(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        points([word], TCNET, RECIPE)


def test_an_axis_is_named_once_and_only_where_the_network_has_it() -> None:
    with pytest.raises(UserError, match="named twice"):
        points(["taps=32", "taps=64"], TCNET, RECIPE)
    with pytest.raises(UserError, match="'maybe' is no value of elu"):
        points(["elu=maybe"], networks.model("eegnet"), RECIPE)
    with pytest.raises(UserError, match="unknown axis of q-eegnet 'config'"):
        points(["config=relu"], networks.model("q-eegnet"), RECIPE)
