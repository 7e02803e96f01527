"""Features of a split: fitted on its training trials alone, the same numbers as a device's front end."""

from __future__ import annotations

import numpy as np
import pytest

from quant.datasets.protocols import Split, within_subject
from quant.errors import UserError
from quant.features.trials import Trials
from tests.quant.eeg import recordings


@pytest.fixture(scope="module")
def trials() -> Trials:
    return Trials.of(recordings(subjects=1, samples=200, fs=100.0), "18")


def test_a_fold_is_what_its_front_end_computes(trials: Trials) -> None:
    split = within_subject(trials.recordings, 1)[0]
    fold = trials.fold(split)
    assert fold.x_train.shape == (4, 18, 6) and fold.x_test.shape == (4, 18, 6)
    computed = fold.front.features(trials.windows[split.test])
    assert np.abs(computed - fold.x_test).max() < 1e-9
    assert fold.steps_test.dtype == np.int16 and np.array_equal(fold.steps_test, fold.front.quantize(computed))
    assert np.array_equal(fold.y_test, trials.recordings.y[split.test])


def test_test_trials_have_no_say(trials: Trials) -> None:
    split = within_subject(trials.recordings, 1)[0]
    fewer = Split(split.name, split.train, split.test[:1])
    one, other = trials.fold(split), trials.fold(fewer)
    assert np.array_equal(one.front.whitening, other.front.whitening) and one.front.scale == other.front.scale


def test_a_split_without_training_trials_is_refused(trials: Trials) -> None:
    everything = np.arange(len(trials.recordings))
    with pytest.raises(UserError, match="0 trials train, 8 test"):
        trials.fold(Split("nothing", everything[:0], everything))
