"""Protocols: whole subjects, sessions or runs are in one part, never in both."""

import numpy as np
import pytest

from quant.datasets.protocols import PROTOCOLS, dataset_of, splits
from quant.errors import UserError
from tests.quant.eeg import recordings


def test_cross_subject_folds_are_neighbours_and_cover_everybody_once() -> None:
    found = recordings(subjects=7)
    parts = splits(found, "cross-subject", folds=3)
    tested = [np.unique(found.subject[part.test]).tolist() for part in parts]
    assert tested == [[1, 2, 3], [4, 5], [6, 7]]
    for part, own in zip(parts, tested, strict=True):
        assert not set(own) & set(found.subject[part.train].tolist())
        assert sorted([*part.train, *part.test]) == list(range(len(found)))
    assert [part.name for part in parts] == [f"cross-subject fold {number} of 3" for number in (1, 2, 3)]


def test_the_first_session_trains_and_the_second_tests() -> None:
    found = recordings()
    (part,) = splits(found, "sessions")
    assert set(found.session[part.train].tolist()) == {0} and set(found.session[part.test].tolist()) == {1}
    (own,) = splits(found, "sessions", subject=3)
    assert set(found.subject[own.train].tolist()) == set(found.subject[own.test].tolist()) == {3}
    assert set(found.session[own.train].tolist()) == {0} and set(found.session[own.test].tolist()) == {1}


def test_within_subject_leaves_each_run_out_once() -> None:
    found = recordings(sessions=(4, 8, 12))
    parts = splits(found, "within-subject", subject=2)
    assert [part.name for part in parts] == [f"subject 2, run {run}" for run in (4, 8, 12)]
    for part, run in zip(parts, (4, 8, 12), strict=True):
        assert set(found.session[part.test].tolist()) == {run} and len(part.test) == 4 and len(part.train) == 8
        assert set(found.subject[np.r_[part.train, part.test]].tolist()) == {2}


@pytest.mark.parametrize(
    ("protocol", "options", "message"),
    [
        ("cross-subject", {"subject": 1}, "trains on many subjects"),
        ("cross-subject", {"folds": 5}, "5 folds of 4 subjects"),
        ("cross-subject", {"folds": 1}, "1 folds of 4 subjects"),
        ("sessions", {"subject": 9}, "it has no subject 9"),
        ("within-subject", {}, "no subject was chosen"),
        ("cross-subjects", {}, "did you mean 'cross-subject'"),
    ],
)
def test_what_a_protocol_cannot_do_is_refused(protocol: str, options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        splits(recordings(), protocol, **options)


def test_protocols_that_need_other_sessions_say_so() -> None:
    with pytest.raises(UserError, match="it has 3 sessions"):
        splits(recordings(sessions=(4, 8, 12)), "sessions")
    with pytest.raises(UserError, match="there is only one run"):
        splits(recordings(sessions=(4,)), "within-subject", subject=1)


def test_the_data_set_scales_by_its_training_part_alone() -> None:
    found = recordings()
    found.x[found.session == 1] += 100.0
    (part,) = splits(found, "sessions")
    data = dataset_of(found, part)
    assert data.x_train.shape == data.x_test.shape == (16, 1, 3, 32) and data.x_train.dtype == np.float32
    assert abs(float(data.scale(data.x_train).mean())) < 1e-4 and float(data.scale(data.x_test).mean()) > 50
    assert np.array_equal(data.subject_test, found.subject[part.test]) and data.split == part.name
    assert (data.channels, data.fs, data.divisor) == (found.channels, 16.0, 1)
    with pytest.raises(UserError, match="unknown standardisation"):
        dataset_of(found, part, "z-score")
    assert PROTOCOLS == ("cross-subject", "sessions", "within-subject")
