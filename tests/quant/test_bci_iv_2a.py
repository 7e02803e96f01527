"""BCI Competition IV-2a from files of the published layout, which the test writes, and every fault in them."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from quant import datasets
from quant.datasets import Choice, bci_iv_2a
from quant.errors import UserError
from tests.quant.mat_file import LENGTH, TRIALS, run, written


def silent(line: str) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """EDGEKIT_DATA with subject 3: two runs of 8 trials in each session, one trial with an artifact."""
    flags = np.zeros((TRIALS, 1))
    flags[2] = 1
    for number, session in enumerate("TE"):
        written(tmp_path / "bci-iv-2a" / f"A03{session}.mat", run(number), run(10 + number, artifacts=flags))
    monkeypatch.setenv("EDGEKIT_DATA", str(tmp_path))
    return tmp_path


def test_training_session_trains_and_evaluation_session_tests(folder: Path) -> None:
    data = datasets.load("bci-iv-2a", choice=Choice(subject=3))
    assert data.x_train.shape == data.x_test.shape == (15, 1, 22, 1125) and data.x_train.dtype == np.float32
    assert data.y_train.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 3, 0, 1, 2, 3]
    assert data.split == "subject 3, session 1 to session 2" and data.classes == bci_iv_2a.CLASSES
    assert (data.fs, data.divisor, len(data.channels)) == (250.0, 1, 22)
    # 1.5 s to 6 s after the trial's first sample, which MATLAB counts from 1.
    start = 250 - 1 + 375
    assert np.array_equal(data.x_train[0, 0], run(0)["X"][start : start + 1125, :22].T.astype(np.float32))
    assert np.array_equal(data.x_test[0, 0], run(1)["X"][start : start + 1125, :22].T.astype(np.float32))


def test_an_excerpt_starts_with_the_cue(folder: Path) -> None:
    whole = datasets.load("bci-iv-2a", choice=Choice(subject=3))
    part = datasets.load("bci-iv-2a", choice=Choice(datasets.Excerpt(seconds=4.0), subject=3))
    assert np.array_equal(part.x_train, whole.x_train[..., 125:])


def test_files_of_other_subjects_are_missed_by_name(folder: Path) -> None:
    with pytest.raises(UserError, match=r"A01T\.mat: this file does not exist"):
        datasets.load("bci-iv-2a")
    with pytest.raises(UserError, match="it has no subject 10"):
        datasets.load("bci-iv-2a", choice=Choice(subject=10))


def holding_nan() -> np.ndarray:
    x = np.zeros((LENGTH * (TRIALS + 1), 25))
    x[250 - 1 + 375 + 7, 3] = np.nan
    return x


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fs": 100.0}, "it was sampled at 100 Hz"),
        ({"X": np.zeros((LENGTH * 9, 20))}, "2 channels are missing: P2, POz"),
        ({"X": np.array(["a", "b"], object)}, "22 channels are missing"),
        ({"X": holding_nan()}, "1 samples are NaN or infinite, first in trial 0, channel FCz"),
        ({"y": np.full((TRIALS, 1), np.nan)}, "8 of 8 trials have no label"),
        ({"y": np.zeros((0, 0))}, "8 of 8 trials have no label"),
        ({"y": np.full((TRIALS, 1), 5.0)}, "8 labels are out of range"),
        ({"X": np.zeros((LENGTH * 7, 25))}, "a trial begins at sample 14250, the run has 14000"),
        ({"artifacts": np.zeros((3, 1))}, "8 trials and 3 artifact flags"),
        ({"classes": np.array(["hand", "foot"], object)}, "its classes are hand, foot"),
    ],
)
def test_a_wrong_recording_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = written(tmp_path / "A01T.mat", run(**change))
    with pytest.raises(UserError, match=message) as error:
        bci_iv_2a.from_mat(path, 1, 0)
    assert "A01T.mat" in str(error.value)


def test_a_truncated_or_foreign_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "A01T.mat", run(trials=1))
    whole = path.read_bytes()
    for length in (0, 3, 60, 128, 131, 140, 200, len(whole) // 2, len(whole) - 4):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError) as error:
            bci_iv_2a.from_mat(path, 1, 0)
        assert "A01T.mat" in str(error.value)
    path.write_bytes(b"no MATLAB file at all, only text" * 10)
    with pytest.raises(UserError, match="not readable as MATLAB file"):
        bci_iv_2a.from_mat(path, 1, 0)
    savemat(path, {"data": {"X": 1.0, "fs": 250.0}})
    with pytest.raises(UserError, match="its runs lack the fields trial, y, artifacts"):
        bci_iv_2a.from_mat(path, 1, 0)
    with pytest.raises(UserError, match="it has no run with trials"):
        bci_iv_2a.from_mat(written(path), 1, 0)


def test_moabb_finds_the_files(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Published:
        """What MOABB offers: the paths of both files of a subject."""

        def data_path(self, subject: int) -> list[str]:
            return [str(folder / "bci-iv-2a" / f"A{subject:02}{session}.mat") for session in "TE"]

    module = ModuleType("moabb.datasets")
    monkeypatch.setattr(module, "BNCI2014_001", Published, raising=False)
    monkeypatch.setitem(sys.modules, "moabb", ModuleType("moabb"))
    monkeypatch.setitem(sys.modules, "moabb.datasets", module)
    monkeypatch.delenv("EDGEKIT_DATA")
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "empty"))
    said: list[str] = []
    assert len(bci_iv_2a.recordings(said.append, [3])) == 30
    assert said == ["bci-iv-2a: subject 3 through MOABB, which downloads what it has not yet"]
    monkeypatch.setenv("EDGEKIT_CACHE", str(folder))
    assert len(bci_iv_2a.recordings(said.append, [3])) == 30 and len(said) == 1
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "moabb.datasets", None)
    with pytest.raises(UserError, match=r"pip install 'edgekit\[eeg\]'"):
        bci_iv_2a.recordings(silent, [3])
