import numpy as np
import pytest

from quant.errors import UserError
from quant.hd.classifier import HdClassifier
from quant.hd.embeddings import EMBEDDINGS
from quant.hd.settings import MODES, Settings
from tests.quant.hd.made_up import trials

CLASSES = ("left", "right", "feet")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EMBEDDINGS)
def test_every_embedding_learns_what_is_easy(name: str, mode: str) -> None:
    x, y = trials(120, 3, 20, 3)
    classifier = HdClassifier.fit(name, x, y, CLASSES, Settings(mode=mode, dimension=500, levels=9))
    unseen, truth = trials(60, 3, 20, 3, seed=1)
    # XOR over bands keeps little of the features' similarity, as published.
    assert np.mean(classifier.predict(unseen) == truth) > (0.4 if mode == "bind" else 0.8)


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_the_same_seed_gives_the_same_bits(name: str) -> None:
    x, y = trials(12, 2, 10, 3)
    first, again, other = (
        HdClassifier.fit(name, x, y, CLASSES, Settings(dimension=70, levels=5, seed=seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.encode(x), again.encode(x))
    assert np.array_equal(first.memory.rows, again.memory.rows)
    assert not np.array_equal(first.encode(x), other.encode(x))


def test_a_class_without_trials_is_refused() -> None:
    x, y = trials(12, 2, 10, 2)
    with pytest.raises(UserError, match="no training trial of class feet"):
        HdClassifier.fit("thermometer", x, y, CLASSES)


def test_features_of_another_type_are_refused() -> None:
    x, y = trials(12, 2, 10, 3)
    with pytest.raises(UserError, match="float64"):
        HdClassifier.fit("thermometer", x.astype(float), y, CLASSES)


def test_an_unknown_embedding_names_the_nearest() -> None:
    x, y = trials(12, 2, 10, 3)
    with pytest.raises(UserError, match="did you mean 'thermometer'"):
        HdClassifier.fit("termometer", x, y, CLASSES)


def test_settings_out_of_range_are_all_reported() -> None:
    with pytest.raises(UserError) as error:
        Settings(dimension=0, levels=1, density=0.0, centroids=3, seed=-1)
    assert len(error.value.problems) == 5
    with pytest.raises(UserError, match="combination mode"):
        Settings(mode="parallel")
