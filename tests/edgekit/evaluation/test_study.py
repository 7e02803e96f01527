"""Jobs of a study: which there are, when two are the same, and what one returns."""

from __future__ import annotations

import base64
import dataclasses
import json

import numpy as np
import onnx
import pytest

from edgekit.evaluation.floor import classify
from edgekit.evaluation.statistics import FLOAT, FLOOR
from edgekit.evaluation.study import Part, Study, chosen, floor_job, parts
from edgekit.evaluation.trial import held_out, train
from quant import datasets, networks
from quant.datasets.choice import Choice
from quant.datasets.protocols import Split, dataset_of
from quant.errors import UserError
from quant.interchange.read import from_onnx
from quant.reference import run
from tests.edgekit.tiny_eeg import TINY

BOTH = ("faithful", "spatial-first")


def study(**changes: object) -> Study:
    recipe = dataclasses.replace(networks.model("eegnet").recipe, epochs=4, qat_epochs=1, batch=8)
    settings = {"orders": BOTH, "config": {}, "recipe": dataclasses.asdict(recipe), **changes}
    return Study("eegnet", "int8", **settings)


def split_up(subjects: list[int] | None, **choice: object) -> list[Part]:
    return parts(TINY, Choice(**choice), subjects, datasets.silent)


def test_a_protocol_is_its_splits() -> None:
    assert [part.group for part in split_up(None, folds=3)] == ["fold 1", "fold 2", "fold 3"]
    assert [part.group for part in split_up([2], protocol="sessions")] == ["subject 2"]
    assert [part.group for part in split_up(None, protocol="sessions")] == ["subject 1", "subject 2", "subject 3"]
    within = split_up([])
    assert [(part.group, part.choice.fold) for part in within][:3] == [
        ("subject 1", 1),
        ("subject 1", 2),
        ("subject 2", 1),
    ]
    assert {part.choice.protocol for part in within} == {"within-subject"}
    assert within == split_up([1, 2, 3])
    assert within[0].note == "made up for a test"
    with pytest.raises(UserError, match="none can be chosen"):
        split_up([1], protocol="cross-subject")


def test_two_jobs_are_the_same_if_their_results_are() -> None:
    first, second, _ = split_up(None, folds=3)
    job = study().job(first, 0)
    assert json.loads(json.dumps(job.settings)) == job.settings
    assert job.key == study().job(first, 0).key
    others = [study().job(second, 0), study().job(first, 1), study(orders=BOTH[:1]).job(first, 0), floor_job(first)]
    others += [study().job(dataclasses.replace(first, sha256="0"), 0), study(validation=0.2).job(first, 0)]
    assert len({job.key, *(other.key for other in others)}) == 7
    scaled = dataclasses.replace(first, choice=dataclasses.replace(first.choice, standardize="none"))
    assert study().job(scaled, 0).key != job.key
    assert floor_job(scaled).key == floor_job(first).key


def test_recordings_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    before, source = split_up([1], protocol="sessions")[0], datasets.DATASETS[TINY]

    def changed(say: object, people: object) -> datasets.Recordings:
        whole = source.recordings(say, people)
        return dataclasses.replace(whole, x=whole.x + np.float32(1e-3))

    monkeypatch.setitem(datasets.DATASETS, TINY, dataclasses.replace(source, recordings=changed))
    after = split_up([1], protocol="sessions")[0]
    assert (after.group, after.choice) == (before.group, before.choice) and after.sha256 != before.sha256


def test_a_training_labels_the_test_trials_in_float_and_in_integers() -> None:
    (part,) = split_up([2], protocol="sessions")
    result = json.loads(json.dumps(train(study(keep=True).job(part, 0).settings)))
    assert list(result["predictions"]) == [FLOAT, "int8 faithful", "int8 spatial-first"]
    assert result["labels"] == [0, 1] * 10 and result["subjects"] == [2] * 20 and result["held"] == 0
    assert result["split"] == "subject 2, session 1 to session 2"
    trials, split = chosen(part.source)
    data = dataset_of(trials, split)
    for order in BOTH:
        graph = from_onnx(onnx.load_model_from_string(base64.b64decode(result["models"][f"int8 {order}"])))
        entry = graph.inputs[0]
        stored = np.clip(
            np.floor(data.scale(data.x_test) / np.float32(entry.scale) + 0.5) + entry.zero_point, -128, 127
        )
        scores = run(graph, {entry.name: stored.astype(np.int8)})[graph.outputs[0].name]
        assert scores.argmax(axis=1).tolist() == result["predictions"][f"int8 {order}"]


def test_orders_share_the_float_training() -> None:
    (part,) = split_up([1], protocol="sessions")
    both, alone = (train(study(orders=orders).job(part, 3).settings) for orders in (BOTH, BOTH[1:]))
    assert both["predictions"][FLOAT] == alone["predictions"][FLOAT]
    assert both["predictions"]["int8 spatial-first"] == alone["predictions"]["int8 spatial-first"]
    assert "models" not in both and set(both["seconds"]) == set(both["predictions"])


def test_the_last_training_trials_can_be_held_out() -> None:
    split = held_out(Split("s", np.arange(10), np.arange(20, 25)), 3)
    assert split.train.tolist() == list(range(7)) and split.test.tolist() == [7, 8, 9, *range(20, 25)]
    (part,) = split_up([1], protocol="sessions")
    result = train(study(validation=0.2, orders=BOTH[1:]).job(part, 0).settings)
    assert result["held"] == 4 and len(result["labels"]) == len(result["predictions"][FLOAT]) == 24


def test_the_floor_sees_the_same_trials() -> None:
    part = split_up(None, folds=3)[1]
    result = classify(floor_job(part).settings)
    assert result["subjects"] == [2] * 40 and list(result["predictions"]) == [FLOOR]
    assert np.mean(np.array(result["predictions"][FLOOR]) == result["labels"]) > 0.9
