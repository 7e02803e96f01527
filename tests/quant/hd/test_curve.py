from __future__ import annotations

import pytest

from quant.hd.classifier import HdClassifier
from quant.hd.curve import Labelled, curve
from quant.hd.embeddings import EMBEDDINGS
from quant.hd.settings import Settings
from tests.quant.hd.made_up import trials


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_points_up_to_the_classifiers_own_length(name: str) -> None:
    train, test = (Labelled(*trials(60, 3, 20, 3, seed=seed)) for seed in (0, 1))

    def fit(settings: Settings) -> HdClassifier:
        return HdClassifier.fit(name, train.x, train.y, ("a", "b", "c"), settings)

    classifier = fit(Settings(dimension=600, levels=21))
    points = curve(classifier, test, fit)
    sizes = [point.dimension for point in points]
    assert sizes == sorted(set(sizes)) and sizes[-1] == classifier.memory.dimension and len(points) >= 4
    assert points[-1].accuracy == (classifier.predict(test.x) == test.y).mean()
    assert max(point.accuracy for point in points) > 0.8
