"""The EEG data sets through the registry: shapes, protocols, defaults, and choices that are refused."""

import os

import numpy as np
import pytest

from quant import datasets
from quant.datasets import Choice, Excerpt, synthetic_eeg, trials_and_splits
from quant.datasets.protocols import dataset_of
from quant.errors import UserError

recorded = pytest.mark.skipif(not os.environ.get("EDGEKIT_DATA"), reason="EDGEKIT_DATA is not set")


def test_synthetic_eeg_has_the_shape_of_bci_iv_2a() -> None:
    data = datasets.load("synthetic-eeg")
    assert data.x_train.shape == data.x_test.shape == (288, 1, 22, 1125) and data.x_train.dtype == np.float32
    assert np.bincount(data.y_train).tolist() == np.bincount(data.y_test).tolist() == [72] * 4
    assert (data.fs, data.divisor, len(data.channels), len(data.classes)) == (250.0, 1, 22, 4)
    assert data.note == "synthetic EEG made by a formula, nobody's recording"
    assert data.split == "session 1 to session 2" and np.unique(data.subject_test).tolist() == [1, 2, 3, 4]


def test_synthetic_eeg_is_the_same_every_time_and_for_every_selection() -> None:
    every, one = synthetic_eeg.recordings([2, 3]), synthetic_eeg.recordings([3])
    assert np.array_equal(every.of(3).x, one.x) and np.array_equal(every.of(3).y, one.y)
    assert not np.array_equal(one.x, synthetic_eeg.recordings([3], seed=1).x)
    with pytest.raises(UserError, match="it has no subject 5"):
        synthetic_eeg.recordings([5])


def test_synthetic_rhythms_weaken_over_the_imagined_limb() -> None:
    """Mu power from 1 s after the cue on, class means at C4, C3 and Cz."""
    found = synthetic_eeg.recordings([1])
    after = found.x[:, :, 375:]
    frequencies = np.fft.rfftfreq(after.shape[2], 1 / found.fs)
    mu = (frequencies > 7) & (frequencies < 13)
    power = np.square(np.abs(np.fft.rfft(after, axis=2)))[:, :, mu].sum(axis=2)
    places = [found.channels.index(name) for name in ("C4", "C3", "Cz")]
    means = np.array([power[found.y == label][:, places].mean(axis=0) for label in range(3)])
    # Left hand: C4 is the weakest of all classes; right hand: C3; feet: Cz.
    assert means.argmin(axis=0).tolist() == [0, 1, 2]
    assert np.all(np.diag(means) < 0.6 * (means.sum(axis=0) - np.diag(means)) / 2)


def test_a_fold_is_one_of_the_splits() -> None:
    choice = Choice(Excerpt(seconds=0.5), "within-subject", subject=1, fold=2)
    trials, splits = trials_and_splits("synthetic-eeg", choice=choice)
    data = datasets.load("synthetic-eeg", choice=choice)
    expected = dataset_of(trials, splits[1])
    assert data.split == "subject 1, run 1" and len(splits) == 2
    assert np.array_equal(data.x_test, expected.x_test) and np.array_equal(data.span, expected.span)


def test_standardisation_and_an_excerpt_of_ones_own() -> None:
    data = datasets.load(
        "synthetic-eeg", choice=Choice(Excerpt(divisor=2, seconds=2.0), subject=1, standardize="sample")
    )
    assert data.x_train.shape == (72, 1, 22, 250) and np.shape(data.offset) == (1, 22, 250)
    assert data.divisor == 2 and data.fs == 125.0


@pytest.mark.parametrize(
    ("name", "choice", "message"),
    [
        ("ecg5000", Choice(fold=1), "its training and test part are fixed"),
        ("synthetic-eeg", Choice(fold=2), "there is no fold 2"),
        ("synthetic-eeg", Choice(subject=1, protocol="within-subject", fold=3), "there is no fold 3"),
        ("synthetic-eeg", Choice(subject=9), "it has no subject 9"),
        ("synthetic-eeg", Choice("edge-m4f"), "28 channels are missing"),
        ("synthetic-eg", None, "did you mean 'synthetic-eeg'"),
    ],
)
def test_what_a_data_set_does_not_offer_is_refused(name: str, choice: Choice, message: str) -> None:
    with pytest.raises(UserError, match=message):
        datasets.load(name, choice=choice)


def test_a_fixed_split_has_no_folds_and_folds_count_from_one() -> None:
    with pytest.raises(UserError, match="fixed"):
        trials_and_splits("ecg5000")
    with pytest.raises(UserError, match="fold is 0"):
        Choice(fold=0)


@recorded
def test_eegmmidb_by_default_and_by_choice() -> None:
    data = datasets.load("eegmmidb")
    assert data.x_train.shape == (1935, 1, 38, 160) and data.x_test.shape == (495, 1, 38, 160)
    assert np.unique(data.subject_test).tolist() == list(range(1, 12)) and data.divisor == 3
    assert data.split == "cross-subject fold 1 of 5" and data.classes == ("left fist", "right fist")
    own = datasets.load("eegmmidb", choice=Choice("edge-m4f", subject=7, fold=3))
    assert own.x_train.shape == (30, 1, 38, 54) and own.split == "subject 7, run 12"
