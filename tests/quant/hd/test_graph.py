"""The integer graph says bit for bit what the classifier says, in every mode, on the reference and ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from quant.dtypes import DType
from quant.errors import UserError
from quant.hd.classifier import HdClassifier
from quant.hd.embeddings import EMBEDDINGS
from quant.hd.graph import to_graph, to_learner
from quant.hd.memory import ClassMemory
from quant.hd.settings import MODES, Settings
from quant.interchange.read import from_onnx
from quant.interchange.write import to_onnx
from quant.reference import run, run_sequence
from tests.quant.hd.made_up import trials
from tests.quant.machines import agree

CLASSES = ("left", "right", "feet")


def fitted(name: str, **settings: int | str) -> tuple[HdClassifier, np.ndarray]:
    x, y = trials(24, 4, 11, 3)
    unseen, _ = trials(9, 4, 11, 3, seed=1, spread=9000.0)
    return HdClassifier.fit(name, x, y, CLASSES, Settings(**{"dimension": 70, "levels": 5} | settings)), unseen


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EMBEDDINGS)
def test_graph_equals_classifier(name: str, mode: str) -> None:
    classifier, x = fitted(name, mode=mode, centroids=2)
    graph = to_graph(classifier, "hd", 0.001, {"classes": list(CLASSES)})
    assert graph.inputs[0].dtype is DType.S16 and graph.inputs[0].scale == 0.001
    values = agree(graph, {"features": x.reshape(-1, *graph.inputs[0].shape)})
    vectors = values["bundle" if mode != "single" else graph.nodes[-3].output]
    assert np.array_equal(vectors, classifier.encode(x))
    assert np.array_equal(values["distances"], classifier.distances(x))
    assert np.array_equal(values["label"][:, 0], classifier.predict(x))


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_the_file_is_the_model(name: str) -> None:
    classifier, x = fitted(name)
    graph = from_onnx(to_onnx(to_graph(classifier, "hd")))
    label = run(graph, {"features": x.reshape(-1, *graph.inputs[0].shape)})["label"]
    assert np.array_equal(label[:, 0], classifier.predict(x))


@pytest.mark.parametrize("dimension", [1, 31, 32, 33, 65])
@pytest.mark.parametrize("name", [name for name, kind in EMBEDDINGS.items() if kind.sizes == "dimension"])
def test_any_number_of_bits(name: str, dimension: int) -> None:
    classifier, x = fitted(name, dimension=dimension)
    graph = to_graph(classifier, "hd")
    values = run(graph, {"features": x.reshape(-1, *graph.inputs[0].shape)})
    assert np.array_equal(values["distances"], classifier.distances(x))


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_learning_goes_on_where_training_ended(name: str) -> None:
    """One more sample on the device is one more training sample; forgotten classes are never the nearest."""
    x, y = trials(25, 4, 11, 3)
    classifier = HdClassifier.fit(name, x[:24], y[:24], CLASSES, Settings(dimension=70, levels=5, mode="spatial"))
    graph = to_learner(classifier, "hd")
    given = {"features": x[24:].reshape(1, *graph.inputs[0].shape), "label": y[24:, None].astype(np.int32)}
    _, states = run_sequence(graph, given, None, "learn")
    longer = ClassMemory.fit(classifier.encode(x), y, 3)
    assert np.array_equal(states["prototypes"].T, longer.rows)
    assert np.array_equal(states["counters"].T, longer.counters)
    assert np.array_equal(states["seen"], longer.seen)
    _, states = run_sequence(graph, {"label": np.zeros((1, 1), np.int32)}, states, "forget")
    values, _ = run_sequence(graph, {"features": x.reshape(-1, *graph.inputs[0].shape)}, states, "classify")
    assert (values["distance"][:, 0] == longer.dimension + 1).all() and values["class"].min() == 1


def test_two_rows_per_class_cannot_go_on_learning() -> None:
    classifier, _ = fitted("thermometer", centroids=2)
    with pytest.raises(UserError, match="no counters to go on with"):
        to_learner(classifier, "hd")
